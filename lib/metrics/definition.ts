/**
 * The five metric sets, as data. The SQL over history, the daily batch, the streaming counters,
 * the spine join and the data dictionary are all derived from what stands in this file.
 */

/** A running count of events. `eventType` null counts every event, unknown types included. */
export interface Counter {
  name: string;
  eventType: string | null;
  description: string;
}

/** One counter over another; null where the denominator is 0. */
export interface Ratio {
  name: string;
  numerator: string;
  denominator: string;
}

/** The columns of an event that a {@link Further} column may be made of. */
export type EventColumnName = "event_type" | "product_id" | "price";

/**
 * A column of a set that is no plain count. What each kind means:
 * - `first_time`: time of the key's first event;
 * - `previous_time`: newest time strictly before the time of the newest event; null without one;
 * - `latest`: what `of` was at the newest event; of several at the same time, the greatest;
 * - `distinct`: how many values `of` had in events of `eventType`; `keptAs` names the column of the
 *   current rows that keeps which ones, so that counting can go on from a stored row;
 * - `total`: sum of `of` over events of `eventType`, each taken to the ten-thousandth, so that the
 *   order of events does not matter; an event without it adds nothing.
 */
export type Further =
  & { name: string; description: string }
  & (
    | { kind: "first_time" | "previous_time" }
    | { kind: "latest"; of: "event_type" }
    | { kind: "distinct"; of: "product_id"; eventType: string; keptAs: string }
    | { kind: "total"; of: "price"; eventType: string }
  );

/** What a {@link Further} column can be. */
export type FurtherKind = Further["kind"];

/**
 * Seconds up to a moment since the first of `since` (times of the set, newest first) that lies
 * strictly before it; null when none does. Known only at a moment: no table holds it, the spine
 * join and serving derive it.
 */
export interface Elapsed {
  name: string;
  since: readonly string[];
  description: string;
}

/** How long after its last event a key is served: longer while nothing was bought. */
export interface Expiry {
  /** Hours after the last event, for a key with a purchase. */
  afterPurchaseHours: number;
  /** Hours after the last event, for a key without one. */
  withoutPurchaseHours: number;
}

/** Names of the five sets. */
export type MetricSetName = "cart" | "cart_product" | "user" | "product" | "user_product";

/** Columns that identify a key. */
export type KeyColumn = "user_id" | "user_session" | "product_id";

/** A metric set: which events share a key, how often a value is taken, how long it is served. */
export interface MetricSet {
  name: MetricSetName;
  keys: readonly KeyColumn[];
  /** `event`: a value at every event of the key. `day`: a value at the midnight after each day with events. */
  grain: "event" | "day";
  /** Columns after the ten that all sets share. */
  further: readonly Further[];
  elapsed: readonly Elapsed[];
  /** Null: served for ever. */
  expiry: Expiry | null;
  description: string;
}

/** The counters of every set, in column order. */
export const counters: readonly Counter[] = [
  { name: "events", eventType: null, description: "all events, of any type" },
  { name: "views", eventType: "view", description: "product page views" },
  { name: "carts", eventType: "cart", description: "additions to the cart" },
  { name: "purchases", eventType: "purchase", description: "purchases" },
];

/** The ratios of every set, in column order. */
export const ratios: readonly Ratio[] = [
  ratio("views", "events"),
  ratio("carts", "events"),
  ratio("purchases", "events"),
  ratio("carts", "views"),
  ratio("purchases", "views"),
  ratio("purchases", "carts"),
];

const CART_EXPIRY: Expiry = { afterPurchaseHours: 24, withoutPurchaseHours: 30 * 24 };

const PREVIOUS_EVENT_TIME: Further = {
  name: "previous_event_time",
  kind: "previous_time",
  description: "newest time of an event strictly before event_time",
};

const SINCE_LAST_EVENT: Elapsed = {
  name: "seconds_since_last_event",
  since: ["event_time", "previous_event_time"],
  description: "seconds since the key's newest event before the moment",
};

/** The five sets. */
export const metricSets: readonly MetricSet[] = [
  {
    name: "cart",
    keys: ["user_id", "user_session"],
    grain: "event",
    further: [
      { name: "first_event_time", kind: "first_time", description: "start of the session" },
      PREVIOUS_EVENT_TIME,
      {
        name: "products",
        kind: "distinct",
        of: "product_id",
        eventType: "cart",
        keptAs: "product_ids",
        description: "distinct products put into the cart",
      },
      {
        name: "cart_value",
        kind: "total",
        of: "price",
        eventType: "cart",
        description: "sum of the prices of all additions to the cart",
      },
    ],
    elapsed: [
      {
        name: "seconds_since_first_event",
        since: ["first_event_time"],
        description: "seconds since the start of the session",
      },
      SINCE_LAST_EVENT,
    ],
    expiry: CART_EXPIRY,
    description: "what one user did in one session",
  },
  {
    name: "cart_product",
    keys: ["user_id", "user_session", "product_id"],
    grain: "event",
    further: [
      PREVIOUS_EVENT_TIME,
      {
        name: "last_event_type",
        kind: "latest",
        of: "event_type",
        description: "type of the newest event of the product in the cart",
      },
    ],
    elapsed: [SINCE_LAST_EVENT],
    expiry: CART_EXPIRY,
    description: "what one user did with one product in one session",
  },
  {
    name: "user",
    keys: ["user_id"],
    grain: "day",
    further: [],
    elapsed: [],
    expiry: null,
    description: "what one user did up to a midnight",
  },
  {
    name: "product",
    keys: ["product_id"],
    grain: "day",
    further: [],
    elapsed: [],
    expiry: null,
    description: "what all users did with one product up to a midnight",
  },
  {
    name: "user_product",
    keys: ["user_id", "product_id"],
    grain: "day",
    further: [],
    elapsed: [],
    expiry: null,
    description: "what one user did with one product up to a midnight",
  },
];

/** The set of that name. */
export function metricSet(name: MetricSetName): MetricSet {
  return metricSets.find((set) => set.name === name)!;
}

/** The ten metric columns, counters first. */
export const metricColumns: readonly string[] = [...counters, ...ratios].map((m) => m.name);

/** The sets that follow every event, and those that a daily batch refreshes. */
export const eventSets: readonly MetricSet[] = metricSets.filter((set) => set.grain === "event");
/** See {@link eventSets}. */
export const dailySets: readonly MetricSet[] = metricSets.filter((set) => set.grain === "day");

/** Whether the set counts only events that belong to a session. */
export function needsSession(set: MetricSet): boolean {
  return set.keys.includes("user_session");
}

/** Name of the table that holds a set's history. */
export function trainingTable(set: MetricSet): string {
  return `electronics_${set.name}_metrics__training`;
}

/** Name of the table, and of the online container, that holds a set's current values. */
export function inferenceTable(set: MetricSet): string {
  return `electronics_${set.name}_metrics__inference`;
}

/** The column that says when a training value became true. */
export function timeColumn(set: MetricSet): "event_time" | "batch_time" {
  return set.grain === "event" ? "event_time" : "batch_time";
}

/** Names of the columns that hold a key's current values: the ten, the further ones, those kept. */
export function valueColumns(set: MetricSet): string[] {
  return [...metricColumns, ...set.further.map((f) => f.name), ...keptColumns(set)];
}

/** Names of the columns that only current rows have, so that counting can go on from them. */
export function keptColumns(set: MetricSet): string[] {
  return set.further.flatMap((f) => f.kind === "distinct" ? [f.keptAs] : []);
}

/** Whether a further column holds a time. */
export function isTime(further: Further): boolean {
  return further.kind === "first_time" || further.kind === "previous_time";
}

/** The set's columns that are features as they stand: all but times. */
export function featureColumns(set: MetricSet): string[] {
  return [...metricColumns, ...set.further.filter((f) => !isTime(f)).map((f) => f.name)];
}

/** Names of a set's features once joined to a spine: `cart__events`, … */
export function joinedColumns(set: MetricSet): string[] {
  return [...featureColumns(set), ...set.elapsed.map((e) => e.name)]
    .map((column) => joinedName(set, column));
}

/** The name that a set's column carries beside those of other sets. */
export function joinedName(set: MetricSet, column: string): string {
  return `${set.name}__${column}`;
}

function ratio(numerator: string, denominator: string): Ratio {
  return { name: `${numerator}_to_${denominator}`, numerator, denominator };
}
