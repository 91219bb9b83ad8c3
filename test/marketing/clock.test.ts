import assert from "node:assert/strict";
import { wallClock } from "clickstream/marketing";
import { withPipeline } from "./support.ts";

Deno.test("The machine's clock wakes time after time beside an engine at rest, and at once when it is told to", async () => {
  await withPipeline(async () => {
    for (let looks = 0; looks < 5; looks++) await wallClock.sleepUntil(Date.now() + 1);
    const stop = new AbortController();
    const asleep = wallClock.sleepUntil(Date.now() + 3_600_000, stop.signal);
    stop.abort(new Error("told to"));
    await assert.rejects(asleep, /told to/);
    await assert.rejects(wallClock.sleepUntil(Date.now(), stop.signal), /told to/);
  });
});
