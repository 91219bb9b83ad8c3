import { elapsedFeatures } from "clickstream/metrics";
import type { Action } from "./actions/action.ts";
import type { ActionSource } from "./actions/source.ts";
import type { LoadedModel } from "./deployment.ts";
import { ApiError } from "./errors.ts";
import type { FeatureSource, ServedFeatures } from "./features.ts";
import type { Invocation } from "./invocation.ts";
import type { RequestRow } from "./rows.ts";
import type { LookUpFailure, RowKeys, ScoringInputs } from "./types.ts";

/** One scored row, as it is logged. */
export interface ScoredRow {
  keys: RowKeys | null;
  /** Time the row was scored for, microseconds since 1970-01-01 UTC; null when not known. */
  eventTime: bigint | null;
  /** Null when it was bought in that cart already. */
  score: number | null;
  alreadyPurchased: boolean;
  inputs: ScoringInputs;
  /** Seconds from the time a set's values hold to the row's time, by set; null where unknown. */
  ages: Record<string, number | null>;
  /** Milliseconds that the looked-up features waited in the cache. */
  cachedMs: number;
  /** Sets without a value in the store. */
  defaults: string[];
  /** Why nothing could be looked up; null when the store answered, or was not needed. */
  failure: LookUpFailure | null;
  /** List price; null when not known. */
  price: number | null;
  /** What the shop should do; null when not asked for, or for a row without keys. */
  action: Action | null;
}

/** The outcome of an invocation. */
export interface Scored {
  rows: ScoredRow[];
  model: { name: string; version: number };
  cachedRows: number;
  /** Distinct cart-products that the store was asked for. */
  lookedUpRows: number;
  lookUpMs: number;
  scoreMs: number;
}

/** What scoring needs beside the model. */
export interface ScoringContext {
  features: FeatureSource;
  /** Newest event time of the stream, microseconds; null when nothing was streamed yet. */
  streamTime: () => Promise<bigint | null>;
  /** Chooses next best actions; null where there is no policy to follow. */
  actions: ActionSource | null;
}

/**
 * Scores the rows of a request: reads them, looks up what they do not give, leaves out what was
 * bought already, and scores the rest in one batch.
 */
export async function scoreInvocation(
  { servable, readRow }: LoadedModel,
  invocation: Invocation,
  context: ScoringContext,
): Promise<Scored> {
  const requested = invocation.rows.map(readRow);
  const started = performance.now();
  const inputs = servable.inputs.map(({ name }) => name);
  const needy = requested.filter((row) => row.keys !== null && !row.complete);
  const [fetched, streamTime] = await Promise.all([
    needy.length === 0
      ? { rows: [], cached: 0, asked: 0 }
      : context.features.fetch(needy.map((row) => row.keys!), invocation.params.cache),
    requested.every((row) => row.eventTime !== null) ? null : context.streamTime(),
  ]);
  const served = new Map(needy.map((row, i) => [row, fetched.rows[i]!]));
  const lookedUpAt = performance.now();
  const rows = requested.map((row) => assemble(row, served.get(row), streamTime, inputs));
  const open = rows.filter((row) => !row.alreadyPurchased);
  const scores = open.length === 0 ? [] : await servable.score(open.map((row) => row.inputs));
  open.forEach((row, i) => row.score = checked(scores[i]));
  if (invocation.params.actions) addActions(rows, context.actions);
  return {
    rows,
    model: { name: servable.name, version: servable.version },
    cachedRows: fetched.cached,
    lookedUpRows: fetched.asked,
    lookUpMs: lookedUpAt - started,
    scoreMs: performance.now() - lookedUpAt,
  };
}

function assemble(
  row: RequestRow,
  served: ServedFeatures | undefined,
  streamTime: bigint | null,
  inputs: string[],
): ScoredRow {
  const eventTime = row.eventTime ?? streamTime;
  const values: ScoringInputs = {};
  const looked: Record<string, unknown> = served === undefined ? {} : {
    ...served.features,
    ...elapsedFeatures(served.features, eventTime === null ? null : Number(eventTime)),
  };
  for (let i = 0; i < inputs.length; i++) {
    const name = inputs[i]!;
    values[name] = row.given[i] !== undefined ? row.given[i] : looked[name] ?? null;
  }
  values["event_time"] = eventTime === null ? null : new Date(Number(eventTime / 1000n));
  const price = values["price"] ?? served?.features["price"];
  const bought = served?.alreadyPurchased ?? Number(values["cart_product__purchases"] ?? 0) > 0;
  return {
    keys: row.keys,
    eventTime,
    score: null,
    alreadyPurchased: bought,
    inputs: values,
    ages: agesOf(served, eventTime),
    cachedMs: served?.cachedMs ?? 0,
    defaults: served === undefined ? [] : setsWithout(served, inputs),
    failure: served?.failure ?? null,
    price: typeof price === "number" ? price : null,
    action: null,
  };
}

function addActions(rows: ScoredRow[], source: ActionSource | null): void {
  const keyed = rows.filter((row) => row.keys !== null);
  const actions = source?.decide(keyed.map(({ keys, score, price, eventTime }) => ({
    keys: keys!,
    propensity: score,
    price,
    at: eventTime ?? 0n,
  })));
  keyed.forEach((row, i) => row.action = actions?.[i] ?? null);
}

function agesOf(served: ServedFeatures | undefined, at: bigint | null): ScoredRow["ages"] {
  const ages: ScoredRow["ages"] = {};
  for (const [set, time] of Object.entries(served?.eventTimes ?? {})) {
    ages[set] = time === null || at === null ? null : (Number(at) - time) / 1e6;
  }
  return ages;
}

/** The sets that a row has no value of: those not found, or all that the model reads. */
function setsWithout(served: ServedFeatures, inputs: string[]): string[] {
  if (served.failure === null) return Object.keys(served.found).filter((set) => !served.found[set]);
  const sets = inputs.filter((name) => name.includes("__")).map((name) => name.split("__")[0]!);
  return [...new Set(sets)];
}

function checked(score: number | undefined): number {
  if (score !== undefined && score >= 0 && score <= 1) return score;
  throw new ApiError("INTERNAL_ERROR", "The model gave no probability for a row.");
}

/** How many rows hold defaults because the store failed or was too slow, and which; null: none. */
export function notLookedUp({ rows }: Scored): { reason: LookUpFailure; rows: number } | null {
  const failed = rows.filter(({ failure }) => failure !== null);
  return failed.length === 0 ? null : { reason: failed[0]!.failure!, rows: failed.length };
}

/** The JSON answer of an invocation. */
export function answerOf(scored: Scored, invocation: Invocation): Record<string, unknown> {
  const { rows, model } = scored;
  const { ages, features, actions } = invocation.params;
  return {
    predictions: rows.map(({ score }) => score === null ? null : [1 - score, score]),
    already_purchased: rows.map((row) => row.alreadyPurchased),
    defaults: rows.map((row) => row.defaults),
    not_looked_up: notLookedUp(scored),
    ...(ages ? { ages: rows.map((row) => row.ages) } : {}),
    ...(features ? { features: rows.map((row) => withTextIds(row.inputs)) } : {}),
    ...(actions ? { actions: rows.map(({ action }) => action && withTextProducts(action)) } : {}),
    model: { name: model.name, version: String(model.version) },
  };
}

function withTextProducts(action: Action): Record<string, unknown> {
  return { ...action, products: action.products.map(String) };
}

/** Answers carry ids as text. */
function withTextIds(inputs: ScoringInputs): ScoringInputs {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      name,
      typeof value === "bigint" ? String(value) : value,
    ]),
  );
}
