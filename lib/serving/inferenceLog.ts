import type { Scored, ScoredRow } from "./scoring.ts";

/** One scored row with what it was asked and answered, as the inference log keeps it. */
export interface InferenceRecord {
  requestId: string;
  /** Position of the row in its request. */
  row: number;
  /** Wall clock, microseconds since 1970-01-01 UTC. */
  received: number;
  /** Empty for `/invocations`. */
  endpoint: string;
  scored: ScoredRow;
  model: { name: string; version: number };
}

/** Keeps what was scored: collected in memory, written in batches, never waited for. */
export interface InferenceLog {
  /** Takes the rows of a request. Returns at once. */
  add(scored: Scored, requestId: string, endpoint: string): void;
  /** Writes what was taken so far; rejects when it cannot be written. */
  flush(): Promise<void>;
  /** Writes the rest and stops. Rows that cannot be written are counted as dropped. */
  close(): Promise<void>;
  status(): InferenceLogStatus;
}

/** How many rows went where. */
export interface InferenceLogStatus {
  queued: number;
  written: number;
  dropped: number;
}

/** How an {@link inferenceLog} behaves. */
export interface InferenceLogOptions {
  /** Writes a batch; the batch is tried again later when it fails. */
  write: (records: InferenceRecord[]) => Promise<void>;
  /** Milliseconds between two writes; 0 writes only when asked. @default 2000 */
  flushMs?: number;
  /** Rows of a write at most. @default 2000 */
  maxBatch?: number;
  /** Rows kept while they cannot be written; the oldest are dropped beyond. @default 100000 */
  maxQueued?: number;
  /** Called when a write fails. */
  onError?: (error: unknown) => void;
}

/** An empty log. */
export function inferenceLog(options: InferenceLogOptions): InferenceLog {
  const { write, flushMs = 2000, maxBatch = 2000, maxQueued = 100_000 } = options;
  let queue: InferenceRecord[] = [];
  let written = 0;
  let dropped = 0;
  let writing: Promise<void> = Promise.resolve();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  const dropOldest = () => {
    if (queue.length <= maxQueued) return;
    dropped += queue.length - maxQueued;
    queue = queue.slice(-maxQueued);
  };
  const writeAll = async () => {
    while (queue.length > 0) {
      const batch = queue.splice(0, maxBatch);
      try {
        await write(batch);
        written += batch.length;
      } catch (error) {
        queue = [...batch, ...queue];
        dropOldest();
        options.onError?.(error);
        throw error;
      }
    }
  };
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.catch(() => {}).then(writeAll);
    return writing;
  };
  const schedule = () => {
    if (timer !== undefined || closed || flushMs === 0) return;
    timer = setTimeout(() => flush().catch(schedule), flushMs);
  };
  return {
    add(scored, requestId, endpoint) {
      const received = Date.now() * 1000;
      const { model } = scored;
      scored.rows.forEach((one, row) =>
        queue.push({ requestId, row, received, endpoint, scored: one, model })
      );
      dropOldest();
      schedule();
    },
    flush,
    async close() {
      closed = true;
      await flush().catch(() => {});
      dropped += queue.length;
      queue = [];
    },
    status: () => ({ queued: queue.length, written, dropped }),
  };
}
