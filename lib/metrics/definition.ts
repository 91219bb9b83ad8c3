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

/** The value that a column had at the newest event; of several at the same time, the greatest. */
export interface Latest {
  name: string;
  column: "event_type";
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
  latest: readonly Latest[];
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

/** The five sets. */
export const metricSets: readonly MetricSet[] = [
  {
    name: "cart",
    keys: ["user_id", "user_session"],
    grain: "event",
    latest: [],
    expiry: CART_EXPIRY,
    description: "what one user did in one session",
  },
  {
    name: "cart_product",
    keys: ["user_id", "user_session", "product_id"],
    grain: "event",
    latest: [{
      name: "last_event_type",
      column: "event_type",
      description: "type of the newest event of the product in the cart",
    }],
    expiry: CART_EXPIRY,
    description: "what one user did with one product in one session",
  },
  {
    name: "user",
    keys: ["user_id"],
    grain: "day",
    latest: [],
    expiry: null,
    description: "what one user did up to a midnight",
  },
  {
    name: "product",
    keys: ["product_id"],
    grain: "day",
    latest: [],
    expiry: null,
    description: "what all users did with one product up to a midnight",
  },
  {
    name: "user_product",
    keys: ["user_id", "product_id"],
    grain: "day",
    latest: [],
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

/** Names that the set's columns carry once joined to a spine: `cart__events`, … */
export function joinedColumns(set: MetricSet): string[] {
  return [...metricColumns, ...set.latest.map((latest) => latest.name)]
    .map((column) => `${set.name}__${column}`);
}

function ratio(numerator: string, denominator: string): Ratio {
  return { name: `${numerator}_to_${denominator}`, numerator, denominator };
}
