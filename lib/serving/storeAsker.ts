import { ApiError } from "./errors.ts";
import { turningLoop } from "./turningLoop.ts";
import type { LookedUp, LookUp, LookUpFailure, RowKeys } from "./types.ts";

/** Asks the store; answers why when it gives no features. Never rejects. */
export type StoreAsker = (keys: RowKeys[]) => Promise<LookedUp[] | LookUpFailure>;

/** How a {@link storeAsker} behaves. */
export interface StoreAskerOptions {
  /** Milliseconds after which a look-up counts as failed. @default 1000 */
  lookUpTimeoutMs?: number;
  /** Milliseconds after a failure in which the store is not asked again. @default 1000 */
  retryAfterMs?: number;
  /** Called with each failure, for logs and counters. */
  onFailure?: (error: unknown, reason: LookUpFailure) => void;
  /** Milliseconds of a clock that never goes back. @default performance.now */
  now?: () => number;
}

/**
 * Asks the store within the time limit. A store that refuses is left alone for a while; one that is
 * slow only when it has answered nobody since the slow question was asked.
 */
export function storeAsker(lookUp: LookUp, options: StoreAskerOptions): StoreAsker {
  const { lookUpTimeoutMs = 1000, retryAfterMs = 1000, now = () => performance.now() } = options;
  let down: { until: number; reason: LookUpFailure } | null = null;
  let answeredAt = -Infinity;
  return async (keys) => {
    if (down !== null && now() < down.until) return down.reason;
    const asked = now();
    const patience = new AbortController();
    try {
      const answer = lookUp(keys, patience.signal);
      const rows = await turningLoop(within(answer, lookUpTimeoutMs));
      answeredAt = now();
      return rows;
    } catch (error) {
      const slow = error instanceof ApiError && error.code === "DEADLINE_EXCEEDED";
      const reason = slow ? "look-up-timeout" : "store-unavailable";
      patience.abort();
      if (!slow || answeredAt < asked) down = { until: now() + retryAfterMs, reason };
      options.onFailure?.(error, reason);
      return reason;
    }
  };
}

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
