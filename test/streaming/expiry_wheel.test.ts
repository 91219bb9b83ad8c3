import assert from "node:assert/strict";
import fc from "fast-check";
import { ExpiryWheel } from "../../lib/streaming/expiry_wheel.ts";

const SLOTS = 6;
const MINUTE = 60_000_000;

Deno.test("a wheel hands out what a full look would, however expiries move", () => {
  const steps = fc.array(fc.record({
    slot: fc.nat(SLOTS - 1),
    expiry: fc.integer({ min: 0, max: 6000 }),
    turns: fc.integer({ min: 0, max: 90 }),
    stays: fc.nat(SLOTS - 1),
  }));
  fc.assert(fc.property(steps, (history) => {
    const wheel = new ExpiryWheel();
    wheel.grow(SLOTS);
    const expiries = new Map<number, number>();
    let watermark = 0;
    for (const { slot, expiry, turns, stays } of history) {
      expiries.set(slot, expiry * MINUTE);
      wheel.schedule(slot, expiry * MINUTE);
      watermark += turns * MINUTE;
      const gone: number[] = [];
      wheel.turn(watermark, (s) => expiries.get(s)!, (s) => {
        if (s === stays) return false;
        gone.push(s);
        return true;
      });
      const due = [...expiries].filter(([s, at]) => s !== stays && at < watermark);
      assert.deepEqual(gone.toSorted(), due.map(([s]) => s).toSorted());
      for (const s of gone) expiries.delete(s);
    }
  }));
});

Deno.test("a slot that was removed is handed out no more, unless it is scheduled again", () => {
  const wheel = new ExpiryWheel();
  wheel.grow(1);
  wheel.schedule(0, MINUTE);
  wheel.remove(0);
  const gone: number[] = [];
  const look = (watermark: number, expiry: number) =>
    wheel.turn(watermark, () => expiry, (slot) => gone.push(slot) > 0);
  look(2 * MINUTE, MINUTE);
  assert.deepEqual(gone, []);
  wheel.schedule(0, 3 * MINUTE);
  look(4 * MINUTE, 3 * MINUTE);
  assert.deepEqual(gone, [0]);
});
