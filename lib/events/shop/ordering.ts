import { TOTALS } from "./calibration.ts";
import { makeRandom } from "./random.ts";
import { type Timeline, VIEW } from "./timeline.ts";

/**
 * The order in which the rows are written: by time, events of one second in the order in which
 * they were made, and some rows twice.
 *
 * @param duplicates how many rows stand twice
 * @returns positions in the timeline
 */
export function orderRows(timeline: Timeline, duplicates: number, seed: number): Uint32Array {
  stretchToEnds(timeline);
  const sorted = sortByTime(timeline.time, timeline.count);
  const random = makeRandom(seed, "duplicates");
  const twice = new Uint8Array(timeline.count);
  for (let left = duplicates; left > 0;) {
    const row = random.below(timeline.count);
    const mayRepeat = timeline.type[row] === VIEW || random.uniform() < 0.05;
    if (twice[row] === 0 && mayRepeat) {
      twice[row] = 1;
      left--;
    }
  }
  const order = new Uint32Array(timeline.count + duplicates);
  let at = 0;
  for (const row of sorted) {
    order[at++] = row;
    if (twice[row]) order[at++] = row;
  }
  return order;
}

/** The first and the last event stand at the first and the last second of the published set. */
function stretchToEnds({ time, count }: Timeline): void {
  let first = 0;
  let last = 0;
  for (let i = 1; i < count; i++) {
    if (time[i]! < time[first]!) first = i;
    if (time[i]! >= time[last]!) last = i;
  }
  time[first] = 0;
  time[last] = TOTALS.end - TOTALS.start;
}

/** A stable radix sort over the 24 bits that hold the seconds of 158 days. */
function sortByTime(time: Uint32Array, count: number): Uint32Array {
  let from = Uint32Array.from({ length: count }, (_, index) => index);
  let to = new Uint32Array(count);
  for (const shift of [0, 12]) {
    const starts = new Uint32Array(4097);
    for (let i = 0; i < count; i++) starts[((time[i]! >>> shift) & 4095) + 1]!++;
    for (let digit = 0; digit < 4096; digit++) starts[digit + 1]! += starts[digit]!;
    for (let i = 0; i < count; i++) {
      const row = from[i]!;
      const digit = (time[row]! >>> shift) & 4095;
      to[starts[digit]!++] = row;
    }
    [from, to] = [to, from];
  }
  return from;
}
