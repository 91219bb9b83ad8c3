/** Says whether one more request of a caller may pass. */
export interface RateLimit {
  /** Takes one request; answers 0 when it may pass, else the seconds until one may. */
  take(caller: string): number;
}

/** How many requests pass. */
export interface RateLimitOptions {
  /** Requests a second of one caller, in the long run. @default 1000 */
  perSecond?: number;
  /** Requests that one caller may send at once after a rest. @default 2000 */
  burst?: number;
  /** Milliseconds of a clock that never goes back. @default performance.now */
  now?: () => number;
}

/** Callers remembered; the longest silent ones are forgotten first. */
const MAX_CALLERS = 10_000;

/** A token bucket for each caller. */
export function rateLimit(options: RateLimitOptions = {}): RateLimit {
  const { perSecond = 1000, burst = 2000, now = () => performance.now() } = options;
  const buckets = new Map<string, { tokens: number; at: number }>();
  return {
    take(caller) {
      const at = now();
      const bucket = buckets.get(caller) ?? { tokens: burst, at };
      const tokens = Math.min(burst, bucket.tokens + (at - bucket.at) / 1000 * perSecond);
      const passes = tokens >= 1;
      buckets.delete(caller);
      buckets.set(caller, { tokens: passes ? tokens - 1 : tokens, at });
      if (buckets.size > MAX_CALLERS) buckets.delete(buckets.keys().next().value!);
      return passes ? 0 : (1 - tokens) / perSecond;
    },
  };
}
