/** Which cart-product a row is about. */
export interface RowKeys {
  user_id: bigint;
  /** Null for events without a session: no cart is looked up then. */
  user_session: string | null;
  product_id: bigint;
}

/** What the online store holds for one row's keys. */
export interface LookedUp {
  /** Joined names (`cart__events`, …) to values; null or absent where there is none. */
  features: Record<string, unknown>;
  /** Whether the store had a document, by set. */
  found: Record<string, boolean>;
  /** The time as of which a set's values hold, in microseconds since 1970-01-01 UTC; null where there is none. */
  eventTimes: Record<string, number | null>;
  /** The product was bought in this cart already. */
  alreadyPurchased: boolean;
}

/**
 * Reads the features of many keys, answers in the order of the keys.
 *
 * @param signal aborted when nobody waits any more
 */
export type LookUp = (keys: RowKeys[], signal?: AbortSignal) => Promise<LookedUp[]>;

/** Why features could not be looked up: the store refused, or was too slow. */
export type LookUpFailure = "store-unavailable" | "look-up-timeout";

/** An input of a model. Times are microseconds since 1970-01-01 UTC. */
export interface ModelInput {
  name: string;
  kind: "numeric" | "text" | "time";
}

/** A row as a model scores it: numbers, texts, times as Date, or null. */
export type ScoringInputs = Record<string, unknown>;

/** A model in memory, ready to score. */
export interface Servable {
  name: string;
  version: number;
  /** What it reads, in order. */
  inputs: readonly ModelInput[];
  /** The probability of a purchase, for each row. */
  score(rows: ScoringInputs[]): Promise<ArrayLike<number>>;
  /** Frees its memory. Called once no request uses it. */
  dispose?(): void;
}

/** Where models come from. */
export interface ModelSource {
  /**
   * The version that `version` names now: an alias (`production`) is resolved, a number checked.
   *
   * @throws {NotFoundError} no such model, version or alias
   */
  resolve(name: string, version: string): Promise<number>;
  /** Loads one version. */
  load(name: string, version: number): Promise<Servable>;
}
