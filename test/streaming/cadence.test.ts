import assert from "node:assert/strict";
import { Cadence } from "../../lib/streaming/cadence.ts";

/** A cadence of a second and ten, and its clock. */
function withClock() {
  const time = { now: 0 };
  const cadence = new Cadence({ commitMillis: 1000, goldMillis: 10_000, clock: () => time.now });
  return { cadence, time };
}

Deno.test("tables are committed each second and merged each ten", () => {
  const { cadence, time } = withClock();
  const done: string[] = [];
  for (; time.now <= 21_000; time.now += 500) {
    const due = cadence.due(0);
    if (due !== null) done.push(`${due} at ${time.now / 1000}`);
  }
  const commits = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => `commit at ${from + i}`);
  assert.deepEqual(done, [
    ...commits(1, 9),
    "merge at 10",
    ...commits(11, 19),
    "merge at 20",
    "commit at 21",
  ]);
});

Deno.test("a backlog is merged when it ends, and the online store is told no sooner", () => {
  const { cadence, time } = withClock();
  assert.equal(cadence.publishBegins(), true);
  cadence.observe(10_000);
  time.now = 500;
  assert.deepEqual([cadence.due(1001), cadence.publishBegins()], [null, false]);
  assert.deepEqual([cadence.due(1000), cadence.publishBegins()], ["merge", true]);
  assert.deepEqual([cadence.due(1000), cadence.publishBegins()], [null, true]);
});

Deno.test("a merge by the clock does not end a backlog", () => {
  const { cadence, time } = withClock();
  cadence.observe(50_000);
  time.now = 10_000;
  assert.equal(cadence.due(40_000), "merge");
  assert.equal(cadence.publishBegins(), false);
});

Deno.test("a backlog that does not end lets the online store be told once a minute", () => {
  const { cadence, time } = withClock();
  cadence.observe(10_000);
  const told: number[] = [];
  for (; time.now <= 180_000; time.now += 10_000) if (cadence.publishBegins()) told.push(time.now);
  assert.deepEqual(told, [60_000, 120_000, 180_000]);
});

Deno.test("fewer messages than a backlog hold nothing up", () => {
  const { cadence } = withClock();
  cadence.observe(9999);
  assert.deepEqual([cadence.due(0), cadence.publishBegins()], [null, true]);
});
