import assert from "node:assert/strict";
import { progressLine, progressOn, type ProgressState } from "../../lib/display/progress.ts";

/** A sink with a clock that only moves when told to. */
function recorder(intervalMs: number) {
  const lines: string[] = [];
  const clock = { now: 0 };
  const draw = (state: ProgressState, final: boolean) => {
    lines.push(progressLine(state, final));
    return Promise.resolve();
  };
  return { lines, clock, sink: { intervalMs, now: () => clock.now, draw } };
}

Deno.test("it shows share, rate and time left", async () => {
  const { lines, clock, sink } = recorder(100);
  const loading = progressOn(sink, "Loading", { total: 200_000, unit: "events" });
  clock.now = 1000;
  loading.update(50_000, "electronics");
  await loading.finish();
  assert.equal(
    lines[1],
    "Loading  ██████░░░░░░░░░░░░░░░░░░  25 % 50,000 / 200,000 events · 50,000/s · 3.0 s left · electronics",
  );
});

Deno.test("it draws no more often than the sink wants, and always the end", async () => {
  const { lines, clock, sink } = recorder(1000);
  const loading = progressOn(sink, "Loading", { unit: "events" });
  for (let done = 1; done <= 5000; done++) {
    clock.now = done;
    loading.update(done);
  }
  await loading.finish("all there");
  loading.update(6000);
  await loading.finish();
  assert.equal(lines.length, 7);
  assert.equal(lines.at(-1), "✓ Loading  5,000 events · in 5.0 s · 1,000/s · all there");
});

Deno.test("without a total there is a count and a rate, but no bar", async () => {
  const { lines, clock, sink } = recorder(0);
  const reading = progressOn(sink, "Reading", { unit: "lines" });
  clock.now = 500;
  reading.update(10);
  await reading.finish();
  assert.equal(lines[1], "Reading  10 lines · 20/s");
});

Deno.test("a sink that fails does not fail the work", async () => {
  const sink = { intervalMs: 0, now: () => 0, draw: () => Promise.reject(new Error("gone")) };
  const loading = progressOn(sink, "Loading");
  loading.update(1);
  await loading.finish();
});
