import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "clickstream/config";
import { withHome } from "../support.ts";

Deno.test("a file is written whole, with its folders, and nothing is left beside it", async () => {
  await withHome((home) => {
    const path = join(home, "a", "b", "state.json");
    writeWhole(path, "first");
    writeWhole(path, new TextEncoder().encode("second"), { mode: 0o600, durable: true });
    assert.equal(readFileSync(path, "utf8"), "second");
    assert.deepEqual(readdirSync(join(home, "a", "b")), ["state.json"]);
    if (Deno.build.os !== "windows") assert.equal(statSync(path).mode & 0o777, 0o600);
    return Promise.resolve();
  });
});

Deno.test("a write that fails leaves the old file as it was", async () => {
  await withHome((home) => {
    const path = join(home, "state.json");
    writeWhole(path, "old");
    assert.throws(() => writeWhole(path, { toString: 1 } as unknown as string));
    assert.equal(readFileSync(path, "utf8"), "old");
    assert.deepEqual(readdirSync(home).filter((name) => existsSync(join(home, name))), [
      "state.json",
    ]);
    return Promise.resolve();
  });
});
