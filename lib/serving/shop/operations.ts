import type { Consistency, StreamStatus } from "clickstream/streaming";
import type { Shop } from "./shop.ts";

/** What the second tab shows. */
export interface Operations {
  /** Messages a second since the last look; null when the query runs in another process. */
  throughput: number | null;
  stream: Pick<StreamStatus, "messages" | "lag" | "rejected" | "late" | "onlinePending"> | null;
  /** `running`, `stopped`, `failed`, or `elsewhere`. */
  state: string;
  keys: Record<string, number>;
  watermark: string | null;
  /** Milliseconds: from click to score, and of the query's micro-batches. */
  clickToScore: Percentiles;
  microBatch: Percentiles;
  /** The last comparison with a recount; null before the first. */
  consistency: { at: string; results: Consistency[] } | null;
  errors: Shop["errors"];
}

/** Percentiles of a list of milliseconds; null of an empty one. */
export interface Percentiles {
  count: number;
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

/** Reads what the second tab shows; to be called at a steady pace. */
export function operationsOf(
  shop: Pick<Shop, "latencies" | "errors">,
  status: (() => StreamStatus) | null,
): () => Operations {
  let [lastMessages, lastAt, throughput] = [status?.().messages ?? 0, performance.now(), 0];
  return () => {
    const now = status?.() ?? null;
    const at = performance.now();
    if (now !== null && at - lastAt >= 500) {
      throughput = (now.messages - lastMessages) / ((at - lastAt) / 1000);
      [lastMessages, lastAt] = [now.messages, at];
    }
    const { messages = 0, lag = 0, rejected = 0, late = 0, onlinePending = 0 } = now ?? {};
    return {
      throughput: now === null ? null : throughput,
      stream: now === null ? null : { messages, lag, rejected, late, onlinePending },
      state: now?.state ?? "elsewhere",
      keys: now?.keys ?? {},
      watermark: now?.watermark ? new Date(now.watermark / 1000).toISOString() : null,
      clickToScore: percentiles(shop.latencies),
      microBatch: percentiles(now?.batchMillis ?? []),
      consistency: null,
      errors: [
        ...(now?.error ? [{ at: "", message: now.error.message }] : []),
        ...shop.errors.slice(-5).reverse(),
      ],
    };
  };
}

/** The usual percentiles, by the nearest rank. */
export function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
