import assert from "node:assert/strict";
import { liveOn, type LiveSink } from "../../lib/display/live.ts";

/** A sink with a clock that only moves when told to; a draw takes `drawMs` of it. */
function recorder(drawMs: number, inPlace = true) {
  const shown: string[] = [];
  const clock = { now: 0 };
  const sink: LiveSink = {
    inPlace,
    now: () => clock.now,
    draw(bundle, { first, final }) {
      clock.now += drawMs;
      shown.push(`${first ? "new" : final ? "last" : "again"} ${bundle["text/plain"]}`);
      return Promise.resolve();
    },
  };
  const make = (state: number) => {
    if (state < 0) return Promise.reject(new Error(`cannot draw ${state}`));
    return Promise.resolve({ bundle: { "text/plain": String(state) }, metadata: {} });
  };
  return { shown, clock, live: (intervalMs?: number) => liveOn(sink, make, intervalMs) };
}

const turn = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("it draws the first state at once, then at most as often as asked, and the last", async () => {
  const { shown, clock, live } = recorder(0);
  const chart = live(1000);
  for (let i = 0; i <= 24; i++) {
    clock.now = i * 100;
    chart.update(i);
    await turn();
  }
  await chart.finish();
  assert.deepEqual(shown, ["new 0", "again 10", "again 20", "last 24"]);
});

Deno.test("slow drawing takes no more than a tenth of the time", async () => {
  const { shown, clock, live } = recorder(200);
  const chart = live(0);
  for (let i = 0; i < 400; i++) {
    clock.now += 10;
    chart.update(i);
    await turn();
  }
  assert.ok(shown.length * 200 <= clock.now / 10 + 200, `${shown.length} draws`);
});

Deno.test("a state is only made when it is drawn", async () => {
  const { clock, live } = recorder(0);
  const chart = live(1000);
  let made = 0;
  for (let i = 0; i < 10; i++) {
    clock.now = i;
    chart.update(() => ++made);
    await turn();
  }
  await chart.finish(() => ++made);
  await chart.finish(() => ++made);
  assert.equal(made, 2);
});

Deno.test("where nothing can be redrawn only the last state is shown", async () => {
  const { shown, clock, live } = recorder(0, false);
  const chart = live(0);
  for (let i = 0; i < 5; i++) chart.update(clock.now = i);
  await chart.finish();
  assert.deepEqual(shown, ["new 4"]);
});

Deno.test("a state that cannot be drawn does not stop the loop; finish reports it", async () => {
  const { shown, live } = recorder(0);
  const chart = live(0);
  chart.update(-1);
  await turn();
  chart.update(2);
  await assert.rejects(chart.finish(), /cannot draw -1/);
  assert.deepEqual(shown, ["new 2", "last 2"]);
});
