import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
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

Deno.test("pauses and timeouts end also where DuckDB is open and nothing else goes on", async () => {
  const script = fileURLToPath(new URL("./pause_process.ts", import.meta.url));
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", script],
    signal: AbortSignal.timeout(60_000), // without an end of its own it is ended without output
  }).output();
  assert.equal(new TextDecoder().decode(stdout), "done\n");
});
