import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, homePaths, writeWhole } from "clickstream/config";

/** Files by which the notebooks of the live half tell each other how far they are. */
export interface StreamFiles {
  /** The cutoff and what history ended with; written by 1a. */
  history: string;
  /** How far the replay is; written by 2a. */
  replay: string;
  /** How far the streaming query is; written by 2b. Read it by `readQuery`. */
  query: string;
  /** Micro-batches planned by the streaming query. */
  batches: string;
  /** The last daily batch; written by 2c. */
  daily: string;
  /** What retention may have deleted. */
  maintenance: string;
  /** A rebuild of silver that is under way. */
  rebuild: string;
  /** Rejected messages that are being sent again. */
  requeue: string;
}

/** Where those files are. */
export function streamFiles(config: Pick<Config, "home">): StreamFiles {
  const at = (name: string) => join(homePaths(config).stream, name);
  return {
    history: at("history.json"),
    replay: at("replay.json"),
    query: at("query.json"),
    batches: at("batches.jsonl"),
    daily: at("daily.json"),
    maintenance: at("maintenance.json"),
    rebuild: at("rebuild.json"),
    requeue: at("requeue.json"),
  };
}

/** Where a part of the live half stands. */
export type PartState = "running" | "done" | "stopped" | "failed";

/** What history ended with: where the live half goes on from. */
export interface HistoryFile {
  /** ISO 8601. */
  cutoff: string;
  /** Newest event time of history, microseconds since 1970; null without any. */
  newestEventTime: number | null;
  /** Version of silver that holds history and nothing else. */
  silverVersion: number;
}

/** How far the replay is. */
export interface ReplayFile {
  state: PartState;
  pid: number;
  /** Rows that the hub has acknowledged. */
  sent: number;
  /** Messages that bronze no longer holds, as their users were forgotten. @default 0 */
  erased?: number;
  /** Rows there are to send. */
  total: number;
  /** Last sequence number by partition, once done. */
  ends: Record<string, number> | null;
  /** All rows up to this one are in the hub; those after it lie behind `positions`. */
  sentThrough: number;
  /** Last sequence number by partition before any row after `sentThrough` was sent. */
  positions: Record<string, number>;
  /** Event time of the newest row sent, microseconds since 1970. */
  eventTime: number | null;
  error: string | null;
}

/** How far the streaming query is. */
export interface QueryFile {
  state: PartState;
  pid: number;
  /** Last sequence number by partition that silver holds. */
  committed: Record<string, number>;
  /** Watermark that silver has reached, microseconds since 1970; null before the first event. */
  watermark: number | null;
  /** Newest event time that silver has reached, microseconds since 1970; null before the first event. */
  newestEventTime: number | null;
  /** The same by partition. */
  highest?: Record<string, number>;
  /** When each partition had its last event by the clock on the wall, milliseconds since 1970. */
  seen?: Record<string, number>;
  /** When this was written, milliseconds since 1970. */
  written?: number;
  /** The online store shows everything up to here, and nothing that had expired by then. */
  online: {
    /** Last sequence number by partition. */
    ends: Record<string, number>;
    /** Microseconds since 1970; null before the first event. */
    watermark: number | null;
  };
  error: string | null;
}

/** The last daily batch. */
export interface DailyFile {
  /** Its midnight, ISO 8601. */
  midnight: string;
  /** Version of silver that it has taken in. */
  silverVersion: number;
}

/** What retention may have deleted. */
export interface MaintenanceFile {
  /** Gold rows whose newest event was before this may be gone; microseconds since 1970. */
  retainedFrom: number;
}

/** A rebuild of silver that is under way; there is none once what follows from silver agrees. */
export interface RebuildFile {
  /** Version of silver before it. */
  silverVersion: number;
}

/** Rejected messages that are being sent again; there is none once all are marked. */
export interface RequeueFile {
  /** Last sequence number by partition before any of them was sent. */
  positions: Record<string, number>;
}

/** Reads a state file; null when there is none (or it is being replaced by an older program). */
export function readState<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch {
    return null;
  }
}

/** Writes a state file so that a reader sees the old one or the new one, never a part. */
export function writeState<T>(path: string, state: T): void {
  writeWhole(path, JSON.stringify(state, null, 2));
}
