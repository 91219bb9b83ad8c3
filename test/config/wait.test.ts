import assert from "node:assert/strict";
import { pause, TimeoutError, waitUntil } from "clickstream/config";

Deno.test("waitUntil gives what the check found", async () => {
  let looks = 0;
  const found = await waitUntil(() => ++looks === 3 && "here", { what: "it", intervalMs: 1 });
  assert.equal(found, "here");
  assert.equal(looks, 3);
});

Deno.test("waitUntil gives zero and the empty text, which are something", async () => {
  assert.equal(await waitUntil(() => 0, { what: "a number" }), 0);
  assert.equal(await waitUntil(() => Promise.resolve(""), { what: "a text" }), "");
});

Deno.test("waitUntil names what did not come", async () => {
  const never = waitUntil(() => null, { what: "rain", timeoutMs: 20, intervalMs: 5 });
  await assert.rejects(never, (error) => {
    assert.ok(error instanceof TimeoutError);
    assert.match(error.message, /rain/);
    return true;
  });
});

Deno.test("waitUntil and pause end at once when they are aborted", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(waitUntil(() => false, { what: "it", signal }), /enough/);
  const later = new AbortController();
  const paused = pause(60_000, later.signal);
  later.abort(new Error("enough"));
  await assert.rejects(paused, /enough/);
});

Deno.test("one pause after another ends, with DuckDB loaded too", async () => {
  const script = `
    import { DuckDBInstance } from "@duckdb/node-api";
    import { pause } from "clickstream/config";
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    await connection.runAndReadAll("select 1");
    for (let i = 0; i < 40; i++) await pause(5);
    Deno.exit(0);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", script],
    cwd: new URL("../../", import.meta.url),
    stderr: "inherit",
  }).spawn();
  const tooLong = setTimeout(() => child.kill("SIGKILL"), 60_000);
  const { success } = await child.status;
  clearTimeout(tooLong);
  assert.ok(success);
});
