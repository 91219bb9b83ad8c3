import { type MetricSet, metricValues } from "clickstream/metrics";

/** A small event, with short ids, as the tests make them. */
export interface TestEvent {
  event_time: number;
  event_type: string;
  product_id: bigint;
  user_id: bigint;
  user_session: string | null;
}

export const DAY = 86_400_000_000;

/** Key of an event in a set, or null when the set does not count the event. */
export function keyOf(set: MetricSet, event: TestEvent): string | null {
  if (set.keys.includes("user_session") && event.user_session === null) return null;
  return set.keys.map((key) => String(event[key])).join("|");
}

/**
 * The naive reference, straight from the definition: the values of a key over all events that
 * count at `moment`.
 */
export function naiveValues(set: MetricSet, events: TestEvent[], key: string, moment: number) {
  const counted = events.filter((e) =>
    keyOf(set, e) === key &&
    (set.grain === "event" ? e.event_time <= moment : e.event_time < moment)
  );
  if (counted.length === 0) return null;
  const of = (type: string) => counted.filter((e) => e.event_type === type).length;
  const newest = Math.max(...counted.map((e) => e.event_time));
  const newestTypes = counted.filter((e) => e.event_time === newest).map((e) => e.event_type);
  const counts = [counted.length, of("view"), of("cart"), of("purchase")];
  return metricValues(set, counts, 0, newestTypes.sort().at(-1)!);
}

/** SQL of a relation that holds the events. */
export function eventsRelation(events: TestEvent[]): string {
  const rows = events.map((e) =>
    `(make_timestamp(${e.event_time}), '${e.event_type}', ${e.product_id}::bigint, ${e.user_id}::bigint, ${
      e.user_session === null ? "null" : `'${e.user_session}'`
    }, null::bigint, null::varchar, null::varchar, 1.0::double)`
  );
  const columns =
    "event_time, event_type, product_id, user_id, user_session, category_id, category_code, brand, price";
  return events.length === 0
    ? `(select null::timestamp as event_time, '' as event_type, 1::bigint as product_id, 1::bigint as user_id, '' as user_session, null::bigint as category_id, '' as category_code, '' as brand, 1.0 as price where false)`
    : `(select * from (values ${rows.join(", ")}) as v(${columns}))`;
}
