import { counters, type MetricSet, ratios } from "./definition.ts";

/** Counts of one or many keys: an array, plain or typed, with one number per counter and key. */
export interface Counts {
  [index: number]: number;
}

/** Numbers that {@link Counts} holds per key. */
export const countersPerKey: number = counters.length;

/**
 * Adds one event to a key's counts, in place. The order of events does not matter.
 *
 * @param counts the counts
 * @param at index of the key's first counter
 * @param eventType type of the event; an unknown one counts as an event only
 */
export function countEvent(counts: Counts, at: number, eventType: string): void {
  for (let i = 0; i < countersPerKey; i++) {
    const type = counters[i]!.eventType;
    if (type === null || type === eventType) counts[at + i]! += 1;
  }
}

/** Reads a metric of a key from counts, of which those from `at` on belong to the key. */
export type MetricReader = (counts: Counts, at: number) => number | null;

/** How the ten metric columns are read, by name: counters, then ratios. */
export const metricReaders: Readonly<Record<string, MetricReader>> = Object.fromEntries([
  ...counters.map(({ name }, i): [string, MetricReader] => [name, (counts, at) => counts[at + i]!]),
  ...ratios.map(({ name, numerator, denominator }): [string, MetricReader] => {
    const [above, below] = [placeOf(numerator), placeOf(denominator)];
    return [name, (counts, at) => {
      const divisor = counts[at + below]!;
      return divisor === 0 ? null : counts[at + above]! / divisor;
    }];
  }),
]);

function placeOf(counter: string): number {
  return counters.findIndex(({ name }) => name === counter);
}

const HOUR_MICROS = 3_600_000_000;
const PURCHASES = placeOf("purchases");

/**
 * The watermark after which a key is no longer served.
 *
 * @param lastEventTime microseconds since 1970
 * @returns microseconds since 1970; Infinity for sets that never expire
 */
export function expiresAfter(
  set: MetricSet,
  counts: Counts,
  at: number,
  lastEventTime: number,
): number {
  if (set.expiry === null) return Infinity;
  const bought = counts[at + PURCHASES]! > 0;
  const hours = bought ? set.expiry.afterPurchaseHours : set.expiry.withoutPurchaseHours;
  return lastEventTime + hours * HOUR_MICROS;
}

/** SQL condition over a set's current rows: true where the key is no longer served. */
export function expiredSql(set: MetricSet, watermarkSql: string): string {
  if (set.expiry === null) return "false";
  return `(${watermarkSql} > event_time + case when purchases > 0
    then interval '${set.expiry.afterPurchaseHours} hours'
    else interval '${set.expiry.withoutPurchaseHours} hours' end)`;
}
