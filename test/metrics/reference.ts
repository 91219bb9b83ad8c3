import { counters, type MetricSet, ratios } from "clickstream/metrics";

/** A small event, with short ids, as the tests make them. */
export interface TestEvent {
  event_time: number;
  event_type: string;
  product_id: bigint;
  user_id: bigint;
  user_session: string | null;
  price: number | null;
}

export const DAY = 86_400_000_000;

/** Key of an event in a set, or null when the set does not count the event. */
export function keyOf(set: MetricSet, event: TestEvent): string | null {
  if (set.keys.includes("user_session") && event.user_session === null) return null;
  return set.keys.map((key) => String(event[key])).join("|");
}

/** Values by column name; times in microseconds since 1970. */
export type Values = Record<string, number | string | null>;

/** The ten metric columns of a key's counts, as the definition names them. */
function metricValues(counts: readonly number[]): Values {
  const of = Object.fromEntries(counters.map(({ name }, i) => [name, counts[i]!]));
  const ratio = (above: number, below: number) => below === 0 ? null : above / below;
  return {
    ...of,
    ...Object.fromEntries(
      ratios.map((r) => [r.name, ratio(of[r.numerator]!, of[r.denominator]!)]),
    ),
  };
}

/**
 * The naive reference, straight from the definition: the values of a key over all events that
 * count at `moment`, in the order of the columns; null when none counts.
 */
export function naiveValues(
  set: MetricSet,
  events: TestEvent[],
  key: string,
  moment: number,
): Values | null {
  const counted = events.filter((e) =>
    keyOf(set, e) === key &&
    (set.grain === "event" ? e.event_time <= moment : e.event_time < moment)
  );
  if (counted.length === 0) return null;
  const of = (type: string) => counted.filter((e) => e.event_type === type).length;
  const counts = [counted.length, of("view"), of("cart"), of("purchase")];
  const values = metricValues(counts);
  if (set.grain === "day") return values;
  const times = counted.map((e) => e.event_time);
  const newest = Math.max(...times);
  const earlier = times.filter((time) => time < newest);
  const carts = counted.filter((e) => e.event_type === "cart");
  const products = [...new Set(carts.map((e) => e.product_id))].sort((a, b) => a < b ? -1 : 1);
  const tenThousandths = carts.map((e) => Math.round((e.price ?? 0) * 10_000));
  const previous_event_time = earlier.length === 0 ? null : Math.max(...earlier);
  if (set.name === "cart") {
    return {
      ...values,
      first_event_time: Math.min(...times),
      previous_event_time,
      products: products.length,
      cart_value: tenThousandths.reduce((sum, price) => sum + price, 0) / 10_000,
      product_ids: `[${products.join(", ")}]`,
    };
  }
  const newestTypes = counted.filter((e) => e.event_time === newest).map((e) => e.event_type);
  return { ...values, previous_event_time, last_event_type: newestTypes.sort().at(-1)! };
}

/** Naive seconds up to a moment, by joined name: only events strictly before it are looked at. */
export function naiveElapsed(set: MetricSet, events: TestEvent[], key: string, moment: number) {
  const times = events.filter((e) => keyOf(set, e) === key && e.event_time < moment)
    .map((e) => e.event_time);
  const since = (time: number) => times.length === 0 ? null : (moment - time) / 1e6;
  if (set.grain === "day") return {};
  return {
    ...(set.name === "cart" ? { cart__seconds_since_first_event: since(Math.min(...times)) } : {}),
    [`${set.name}__seconds_since_last_event`]: since(Math.max(...times)),
  };
}

/** SQL of a relation that holds the events. */
export function eventsRelation(events: TestEvent[]): string {
  const rows = events.map((e) =>
    `(make_timestamp(${e.event_time}), '${e.event_type}', ${e.product_id}::bigint, ${e.user_id}::bigint, ${
      e.user_session === null ? "null" : `'${e.user_session}'`
    }, null::bigint, null::varchar, null::varchar, ${e.price}::double)`
  );
  const columns =
    "event_time, event_type, product_id, user_id, user_session, category_id, category_code, brand, price";
  return events.length === 0
    ? `(select null::timestamp as event_time, '' as event_type, 1::bigint as product_id, 1::bigint as user_id, '' as user_session, null::bigint as category_id, '' as category_code, '' as brand, 1.0 as price where false)`
    : `(select * from (values ${rows.join(", ")}) as v(${columns}))`;
}
