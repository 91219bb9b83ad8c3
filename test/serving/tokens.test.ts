import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mintToken } from "clickstream/serving";
import { tokenBook } from "../../lib/serving/tokens.ts";
import { withHome } from "../support.ts";

Deno.test("A minted token is known to a book that is open already, and only its hash is on disk", async () => {
  await withHome((home) => {
    const directory = join(home, "tokens");
    const book = tokenBook({ directory, rereadMs: 0 });
    assert.equal(book.identify("guess"), null);
    const token = mintToken(directory, { name: "test" });
    const other = mintToken(directory, { name: "test" });
    assert.match(book.identify(token)!, /^[0-9a-f]{12}$/);
    assert.notEqual(book.identify(token), book.identify(other));
    const written = readdirSync(directory).map((file) =>
      readFileSync(join(directory, file), "utf8")
    );
    assert.ok(written.every((text) => !text.includes(token) && !text.includes(token.slice(3))));
    return Promise.resolve();
  });
});

Deno.test("An expired token is refused and cleared away by the next one", async () => {
  await withHome((home) => {
    const directory = join(home, "tokens");
    const token = mintToken(directory, { name: "test", hours: 1 });
    let now = Date.now();
    const book = tokenBook({ directory, rereadMs: 0, now: () => now });
    assert.notEqual(book.identify(token), null);
    now += 3_600_001;
    assert.equal(book.identify(token), null);
    mintToken(directory, { name: "old", hours: -1 });
    mintToken(directory, { name: "new" });
    assert.equal(readdirSync(directory).length, 2);
    return Promise.resolve();
  });
});

Deno.test("Configured tokens are known, empty ones never", () => {
  const book = tokenBook({ tokens: ["", "configured"] });
  assert.notEqual(book.identify("configured"), null);
  assert.equal(book.identify(""), null);
});
