import assert from "node:assert/strict";
import { progressOn } from "../../lib/display/progress.ts";
import { type ProgressState, terminalSink } from "../../lib/display/progress_sink.ts";
import { progressLine } from "../../lib/display/progress_text.ts";

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

Deno.test("in a terminal it is one line, rewritten, never longer than the terminal", async () => {
  const written: string[] = [];
  const sink = { ...terminalSink((text) => written.push(text), () => 40), intervalMs: 0 };
  const loading = progressOn(sink, "Loading", { total: 10, unit: "files" });
  loading.update(5, "a note that is much too long for this terminal");
  await loading.finish();
  for (const text of written) {
    assert.ok(text.startsWith("\r\x1b[2K"));
    assert.ok([...text.slice(5).trimEnd()].length < 40);
  }
  assert.deepEqual(written.map((text) => text.endsWith("\n")), [false, false, true]);
});

Deno.test("outside of terminal and notebook it writes a line at the end, to stderr", async () => {
  const code = `
    import { progress, table } from "clickstream/display";
    const loading = progress("Loading", { total: 3, unit: "files" });
    for (let done = 1; done <= 3; done++) loading.update(done);
    await loading.finish();
    await table([{ n: 1 }]);
  `;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", code],
    cwd: new URL("../..", import.meta.url),
  }).output();
  const text = new TextDecoder();
  assert.match(text.decode(stderr), /^✓ Loading {2}3 files · in [^\n]*\n$/);
  assert.equal(text.decode(stdout), "n\n─\n1\n");
});
