import { counters, type MetricSet, ratios } from "./definition.ts";

/** What a counter needs to know of one event. */
export interface CountedEvent {
  /** Microseconds since 1970. */
  eventTime: number;
  eventType: string;
}

/** The state of one key: plain values, so that it can be stored anywhere. */
export interface KeyState {
  /** One number per counter, in the order of `counters`. */
  counts: number[];
  /** Greatest event time so far, in microseconds since 1970; -Infinity before the first event. */
  lastEventTime: number;
  /** The event type at `lastEventTime`; of several, the greatest. */
  lastEventType: string | null;
}

/** The state of a key before its first event. */
export function emptyState(): KeyState {
  return { counts: counters.map(() => 0), lastEventTime: -Infinity, lastEventType: null };
}

/** Adds one event to a key's state, in place. The order of events does not matter. */
export function countEvent(state: KeyState, event: CountedEvent): void {
  for (let i = 0; i < counters.length; i++) {
    const type = counters[i]!.eventType;
    if (type === null || type === event.eventType) state.counts[i]! += 1;
  }
  if (event.eventTime > state.lastEventTime) {
    state.lastEventTime = event.eventTime;
    state.lastEventType = event.eventType;
  } else if (event.eventTime === state.lastEventTime && event.eventType > state.lastEventType!) {
    state.lastEventType = event.eventType;
  }
}

/** The ten metric columns of a state, and the set's `latest` columns, by name. */
export function metricValues(
  set: MetricSet,
  state: KeyState,
): Record<string, number | string | null> {
  const values: Record<string, number | string | null> = {};
  counters.forEach((counter, i) => values[counter.name] = state.counts[i]!);
  for (const { name, numerator, denominator } of ratios) {
    const below = values[denominator] as number;
    values[name] = below === 0 ? null : (values[numerator] as number) / below;
  }
  for (const latest of set.latest) values[latest.name] = state.lastEventType;
  return values;
}

const HOUR_MICROS = 3_600_000_000;

/**
 * The watermark after which the key is no longer served, in microseconds since 1970; Infinity for
 * sets that never expire.
 */
export function expiresAfter(set: MetricSet, state: KeyState): number {
  if (set.expiry === null) return Infinity;
  const bought = state.counts[PURCHASES]! > 0;
  const hours = bought ? set.expiry.afterPurchaseHours : set.expiry.withoutPurchaseHours;
  return state.lastEventTime + hours * HOUR_MICROS;
}

/** SQL condition over a set's current rows: true where the key is no longer served. */
export function expiredSql(set: MetricSet, watermarkSql: string): string {
  if (set.expiry === null) return "false";
  return `${watermarkSql} > event_time + case when purchases > 0
    then interval '${set.expiry.afterPurchaseHours} hours'
    else interval '${set.expiry.withoutPurchaseHours} hours' end`;
}

const PURCHASES = counters.findIndex((counter) => counter.name === "purchases");
