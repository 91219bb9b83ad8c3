import type { Config } from "clickstream/config";
import type { Lakehouse } from "clickstream/lakehouse";
import type { OnlineStore } from "clickstream/online";
import type { StreamError } from "./errors.ts";
import type { PartState } from "./state_file.ts";

/** What a streaming query works on, and how often it commits. */
export interface StreamOptions {
  config: Config;
  lake: Lakehouse;
  store: OnlineStore;
  /** Connection string with EntityPath. */
  connectionString: string;
  /** Milliseconds between commits of bronze, silver and rejected. @default 1000 */
  commitMillis?: number;
  /** Milliseconds between merges into gold. @default 10000 */
  goldMillis?: number;
  /** Most messages in a micro-batch. @default 10000 */
  maxBatch?: number;
  /** Wall clock, milliseconds. @default Date.now */
  now?: () => number;
}

/** What a streaming query has done so far. */
export interface StreamStatus {
  state: PartState;
  /** Messages processed. */
  messages: number;
  rejected: number;
  late: number;
  batches: number;
  /** Milliseconds that the latest micro-batches took (state only, without waiting). */
  batchMillis: number[];
  /** Milliseconds that the latest merges into gold took. */
  mergeMillis: number[];
  /** Messages that silver holds. */
  committed: number;
  /** Messages in the hub that are not processed yet. */
  lag: number;
  /** Changes that the online store does not show yet. */
  onlinePending: number;
  /** Documents written. */
  published: number;
  /** Keys held, by set. */
  keys: Record<string, number>;
  /** Microseconds since 1970; null before the first event. */
  watermark: number | null;
  /** Newest event time, microseconds since 1970; null before the first event. */
  newestEventTime: number | null;
  error: StreamError | null;
}

/** The status of a query that has just begun. */
export function nothingDone(): StreamStatus {
  return {
    state: "running",
    messages: 0,
    rejected: 0,
    late: 0,
    batches: 0,
    batchMillis: [],
    mergeMillis: [],
    committed: 0,
    lag: 0,
    onlinePending: 0,
    published: 0,
    keys: {},
    watermark: null,
    newestEventTime: null,
    error: null,
  };
}

/** What carries events to the tables and the online store, behind a handle. */
export interface LiveStream {
  /** What it has done so far. */
  status(): StreamStatus;
  /** Whether silver holds everything up to these positions, last sequence number by partition. */
  hasCommitted(ends: ReadonlyMap<number, number>): boolean;
  /**
   * Ends it: everything processed so far is committed, merged and published first.
   *
   * @throws {StreamError} when it had failed
   */
  stop(): Promise<StreamStatus>;
}
