import type { LookedUp, RowKeys } from "./types.ts";

/** Looked-up features kept for a moment, the longest unused ones dropped first. */
export interface FeatureCache {
  /** What was looked up at most `maxAgeMs` ago, with the milliseconds since; else null. */
  get(keys: RowKeys, maxAgeMs: number): { row: LookedUp; cachedMs: number } | null;
  /** @param at when the look-up started: the age counts from there, not from its end */
  set(keys: RowKeys, row: LookedUp, at: number): void;
  size(): number;
}

/** Size and clock of a {@link featureCache}. */
export interface FeatureCacheOptions {
  /** Cart-products kept. @default 10000 */
  maxEntries?: number;
  /** Milliseconds of a clock that never goes back. @default performance.now */
  now?: () => number;
}

/** An empty cache. */
export function featureCache(options: FeatureCacheOptions = {}): FeatureCache {
  const { maxEntries = 10_000, now = () => performance.now() } = options;
  const kept = new Map<string, { row: LookedUp; at: number }>();
  return {
    get(keys, maxAgeMs) {
      const key = cacheKey(keys);
      const found = kept.get(key);
      if (found === undefined) return null;
      const cachedMs = now() - found.at;
      if (cachedMs > maxAgeMs) return null;
      kept.delete(key);
      kept.set(key, found);
      return { row: found.row, cachedMs };
    },
    set(keys, row, at) {
      const key = cacheKey(keys);
      kept.delete(key);
      kept.set(key, { row, at });
      if (kept.size > maxEntries) kept.delete(kept.keys().next().value!);
    },
    size: () => kept.size,
  };
}

/** Unambiguous: ids hold no separator, and the session, which may, comes last. */
export function cacheKey({ user_id, product_id, user_session }: RowKeys): string {
  return `${user_id}|${product_id}|${user_session === null ? "-" : `+${user_session}`}`;
}
