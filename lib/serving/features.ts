import { ApiError } from "./errors.ts";
import { cacheKey, type FeatureCache, featureCache } from "./featureCache.ts";
import { lookUpQueue } from "./lookUpQueue.ts";
import { storeAsker, type StoreAskerOptions } from "./storeAsker.ts";
import type { LookedUp, LookUp, LookUpFailure, RowKeys } from "./types.ts";

/** Features of one row with where they come from. */
export interface ServedFeatures extends LookedUp {
  /** Milliseconds since their look-up was asked for, when that was for an earlier request; else 0. */
  cachedMs: number;
  /** Why the store gave nothing, so that all is missing; null when it answered. */
  failure: LookUpFailure | null;
}

/** Features of a request. */
export interface Fetched {
  /** In the order of the keys. */
  rows: ServedFeatures[];
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
export interface FeatureOptions extends StoreAskerOptions {
  /**
   * Milliseconds that looked-up features may be served from the cache, counted from the start of the
   * look-up; 0 turns the cache off.
   * @default 500
   */
  cacheMaxAgeMs?: number;
  /** Cart-products in the cache. @default 10000 */
  cacheMaxEntries?: number;
  /**
   * When the store fails or is too slow: `defaults` scores with missing features and says so in a
   * header and in the answer; `fail` answers 503.
   * @default "defaults"
   */
  onStoreDown?: "defaults" | "fail";
}

/** A look-up under way for one key. */
interface Running {
  answer: Promise<LookedUp | LookUpFailure>;
  /** When it was asked for. */
  since: number;
}

/** A source of features over a look-up. */
export function featureSource(lookUp: LookUp, options: FeatureOptions = {}): FeatureSource {
  const { cacheMaxAgeMs = 500, cacheMaxEntries = 10_000, retryAfterMs = 1000 } = options;
  const now = options.now ?? (() => performance.now());
  const cache = featureCache({ maxEntries: cacheMaxEntries, now });
  const ask = lookUpQueue(storeAsker(lookUp, options), now);
  const running = new Map<string, Running>();

  /** Asks for all keys, and lets later requests share the answers that are under way. */
  const start = (missing: Map<string, RowKeys>): void => {
    const since = now();
    const answers = ask([...missing.values()]);
    [...missing].forEach(([name, key], i) => {
      const answer = answers[i]!.then(({ row, started }) => {
        if (typeof row !== "string") cache.set(key, row, started);
        if (running.get(name) === one) running.delete(name);
        return row;
      });
      const one: Running = { answer, since };
      running.set(name, one);
    });
  };

  return {
    cacheSize: () => cache.size(),
    async fetch(keys, useCache) {
      const began = now();
      const maxAgeMs = useCache ? cacheMaxAgeMs : 0;
      const { rows, missing } = fromCache(cache, keys, maxAgeMs);
      const shared = (name: string) => {
        const one = running.get(name);
        return maxAgeMs > 0 && one !== undefined && began - one.since <= maxAgeMs;
      };
      const unasked = new Map([...missing].filter(([name]) => !shared(name)));
      start(unasked);
      const waits = [...missing.keys()].map((name) => ({ name, ...running.get(name)! }));
      const found = await Promise.all(waits.map(({ answer }) => answer));
      waits.forEach(({ name, since }, i) => rows.set(name, served(found[i]!, began - since)));
      if (options.onStoreDown === "fail") {
        const failed = found.find((one) => typeof one === "string");
        if (failed !== undefined) throw unavailable(failed, retryAfterMs);
      }
      return {
        rows: keys.map((key) => rows.get(cacheKey(key))!),
        cached: rows.size - unasked.size,
        asked: unasked.size,
      };
    },
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
    else rows.set(name, { ...hit.row, cachedMs: hit.cachedMs, failure: null });
  }
  return { rows, missing };
}

const NOTHING: LookedUp = { features: {}, found: {}, eventTimes: {}, alreadyPurchased: false };

function served(found: LookedUp | LookUpFailure, sharedMs: number): ServedFeatures {
  return typeof found === "string"
    ? { ...NOTHING, cachedMs: 0, failure: found }
    : { ...found, cachedMs: sharedMs, failure: null };
}

function unavailable(failure: LookUpFailure, retryAfterMs: number): ApiError {
  const why = failure === "look-up-timeout" ? "is too slow" : "cannot be reached";
  return new ApiError(
    "TEMPORARILY_UNAVAILABLE",
    `The online store of features ${why}: try again.`,
    { headers: { "retry-after": String(Math.ceil(retryAfterMs / 1000)) } },
  );
}
