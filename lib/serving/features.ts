import { ApiError } from "./errors.ts";
import { cacheKey, type FeatureCache, featureCache } from "./featureCache.ts";
import { turningLoop } from "./turningLoop.ts";
import type { LookedUp, LookUp, RowKeys } from "./types.ts";

/** Features of one row with where they come from. */
export interface ServedFeatures extends LookedUp {
  /** Milliseconds since they were looked up; 0 when just now. */
  cachedMs: number;
  /** False when the store could not be asked: all is missing then. */
  answered: boolean;
}

/** Features of a request. */
export interface Fetched {
  /** In the order of the keys. */
  rows: ServedFeatures[];
  /** Whether the store could not be asked, so that some rows hold defaults only. */
  storeDown: boolean;
  /** Distinct keys that came from the cache, or from a look-up under way for another request. */
  cached: number;
  /** Distinct keys that the store was asked for. */
  asked: number;
}

/** Looks features up, through a cache and with a policy for a store that is down. */
export interface FeatureSource {
  /**
   * @param useCache false looks up anew
   * @throws {ApiError} TEMPORARILY_UNAVAILABLE when the store is down and the policy is `fail`
   */
  fetch(keys: RowKeys[], useCache: boolean): Promise<Fetched>;
  /** Rows in the cache. */
  cacheSize(): number;
}

/** How {@link featureSource} behaves. */
export interface FeatureOptions {
  /**
   * Milliseconds that looked-up features may be served from the cache, counted from the start of the
   * look-up; 0 turns the cache off.
   * @default 500
   */
  cacheMaxAgeMs?: number;
  /** Cart-products in the cache. @default 10000 */
  cacheMaxEntries?: number;
  /** Milliseconds after which a look-up counts as failed. @default 1000 */
  lookUpTimeoutMs?: number;
  /**
   * When the store is down: `defaults` scores with missing features and says so in a header and in
   * the answer; `fail` answers 503.
   * @default "defaults"
   */
  onStoreDown?: "defaults" | "fail";
  /** Milliseconds after a failure in which the store is not asked again. @default 1000 */
  retryAfterMs?: number;
  /** Called with each failure, for logs and counters. */
  onFailure?: (error: unknown) => void;
  /** Milliseconds of a clock that never goes back. @default performance.now */
  now?: () => number;
}

/** A source of features over a look-up. */
export function featureSource(lookUp: LookUp, options: FeatureOptions = {}): FeatureSource {
  const { cacheMaxAgeMs = 500, cacheMaxEntries = 10_000, retryAfterMs = 1000 } = options;
  const now = options.now ?? (() => performance.now());
  const cache = featureCache({ maxEntries: cacheMaxEntries, now });
  const ask = storeAsker(lookUp, options, now);
  const running = new Map<string, Promise<LookedUp | null>>();

  /** Asks for all keys at once, and lets later requests share the answers that are under way. */
  const start = (missing: Map<string, RowKeys>): void => {
    if (missing.size === 0) return;
    const started = now();
    const answers = ask([...missing.values()]);
    [...missing].forEach(([name, key], i) => {
      const one = answers.then((rows) => {
        const row = rows?.[i] ?? null;
        if (row !== null) cache.set(key, row, started);
        if (running.get(name) === one) running.delete(name);
        return row;
      });
      running.set(name, one);
    });
  };

  return {
    cacheSize: () => cache.size(),
    async fetch(keys, useCache) {
      const sharing = useCache && cacheMaxAgeMs > 0;
      const { rows, missing } = fromCache(cache, keys, sharing ? cacheMaxAgeMs : 0);
      const unasked = new Map([...missing].filter(([name]) => !sharing || !running.has(name)));
      start(unasked);
      const names = [...missing.keys()];
      const found = await Promise.all(names.map((name) => running.get(name)!));
      const storeDown = found.includes(null);
      if (storeDown && options.onStoreDown === "fail") throw unavailable(retryAfterMs);
      names.forEach((name, i) =>
        rows.set(name, { ...(found[i] ?? nothing), cachedMs: 0, answered: found[i] !== null })
      );
      return {
        rows: keys.map((key) => rows.get(cacheKey(key))!),
        storeDown,
        cached: rows.size - unasked.size,
        asked: unasked.size,
      };
    },
  };
}

/** Asks the store within the time limit; null when it fails, and for a while after. */
function storeAsker(
  lookUp: LookUp,
  options: FeatureOptions,
  now: () => number,
): (keys: RowKeys[]) => Promise<LookedUp[] | null> {
  const { lookUpTimeoutMs = 1000, retryAfterMs = 1000 } = options;
  let downUntil = -Infinity;
  return async (keys) => {
    if (now() < downUntil) return null;
    try {
      return await turningLoop(within(lookUp(keys), lookUpTimeoutMs));
    } catch (error) {
      downUntil = now() + retryAfterMs;
      options.onFailure?.(error);
      return null;
    }
  };
}

/** Rows of distinct keys that the cache has, and the keys it has not. */
function fromCache(cache: FeatureCache, keys: RowKeys[], maxAgeMs: number) {
  const rows = new Map<string, ServedFeatures>();
  const missing = new Map<string, RowKeys>();
  for (const key of keys) {
    const name = cacheKey(key);
    if (rows.has(name) || missing.has(name)) continue;
    const hit = maxAgeMs > 0 ? cache.get(key, maxAgeMs) : null;
    if (hit === null) missing.set(name, key);
    else rows.set(name, { ...hit.row, cachedMs: hit.cachedMs, answered: true });
  }
  return { rows, missing };
}

const nothing: LookedUp = { features: {}, found: {}, eventTimes: {}, alreadyPurchased: false };

/** The promise's result, or an error after `ms` milliseconds. */
export function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new ApiError("DEADLINE_EXCEEDED", `No answer within ${ms} ms.`)),
      ms,
    );
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function unavailable(retryAfterMs: number): ApiError {
  return new ApiError(
    "TEMPORARILY_UNAVAILABLE",
    "The online store of features cannot be reached: try again.",
    { headers: { "retry-after": String(Math.ceil(retryAfterMs / 1000)) } },
  );
}
