import { mkdirSync } from "node:fs";
import { syncFolder } from "clickstream/config";
import type { CommitQueue } from "./commit.ts";
import type { NewestEvent, StoredMessage } from "./message.ts";
import { closeSegment, cutTornEnd, listSegments, type Segment, segmentPath } from "./segment.ts";

/** When written events are forced to the disk, before their producer hears that they are kept. */
export type FsyncPolicy = "batch" | { intervalMs: number };

/** How a partition's log is kept. */
export interface LogOptions {
  /** Bytes after which a new segment is begun. */
  segmentBytes: number;
  /** `batch` forces each write to the disk; an interval does so every so many milliseconds. */
  fsync: FsyncPolicy;
  /** Writes the logs of the namespace. */
  commits: CommitQueue;
  /** The clock, in milliseconds since 1970. */
  now: () => number;
  /** Told of torn ends that were cut. */
  warn: (message: string) => void;
}

/** The durable, append-only log of one partition. Change it only through the functions beside it. */
export interface PartitionLog {
  directory: string;
  options: LogOptions;
  /** Oldest first; the last one is written to. */
  segments: Segment[];
  /** Where the next record goes: the end of what readers may see. */
  endOffset: number;
  nextSequence: number;
  /** The last event ever enqueued here, also when retention has removed it. */
  newest: NewestEvent;
  /** Called, soon after, whenever events were added or removed. */
  listeners: Set<() => void>;
  pending: PendingAppend[];
  file: Deno.FsFile | null;
  /** Whether a failed write may have left bytes beyond the end of the segment. */
  torn: boolean;
  syncTimer: ReturnType<typeof setTimeout> | null;
  closed: boolean;
}

/** Messages that wait to be written. */
export interface PendingAppend {
  messages: StoredMessage[];
  bytes: number;
  /** Called when they are kept, or with the reason why they are not. */
  done: (error: unknown) => void;
}

/** Opens the log in a folder, making it when absent; cuts a torn end. */
export function openPartitionLog(directory: string, options: LogOptions): PartitionLog {
  mkdirSync(directory, { recursive: true });
  const log: PartitionLog = {
    directory,
    options,
    segments: listSegments(directory),
    endOffset: 0,
    nextSequence: 0,
    newest: { sequence: -1, offset: "-1", enqueuedMs: 0 },
    listeners: new Set(),
    pending: [],
    file: null,
    torn: false,
    syncTimer: null,
    closed: false,
  };
  if (log.segments.length === 0) beginSegment(log);
  else recover(log);
  return log;
}

/** Sequence number of the oldest event still kept, or of the next one when none is. */
export function firstSequence(log: PartitionLog): number {
  return log.segments[0]!.baseSequence;
}

/** Whether no event is kept. */
export function isEmpty(log: PartitionLog): boolean {
  return log.segments[0]!.baseOffset === log.endOffset;
}

/** Bytes kept on disk. */
export function logBytes(log: PartitionLog): number {
  return log.endOffset - log.segments[0]!.baseOffset;
}

/** Begins a new segment if the present one holds anything. Nothing may be in the course of writing. */
export async function rollSegment(log: PartitionLog): Promise<void> {
  if (activeSegment(log).bytes === 0) return;
  await log.file?.syncData();
  log.file?.close();
  log.file = null;
  beginSegment(log);
}

/** Closes all files. Nothing may be in the course of writing. */
export async function closeFiles(log: PartitionLog): Promise<void> {
  if (log.syncTimer !== null) clearTimeout(log.syncTimer);
  log.syncTimer = null;
  if (log.file !== null) {
    await log.file.syncData();
    log.file.close();
    log.file = null;
  }
  for (const segment of log.segments) closeSegment(segment);
  log.listeners.clear();
}

/** The segment that is written to. */
export function activeSegment(log: PartitionLog): Segment {
  return log.segments.at(-1)!;
}

/** Opens a segment for writing at its end, making it when absent. */
export function openFile(path: string): Deno.FsFile {
  return Deno.openSync(path, { write: true, append: true, create: true });
}

function recover(log: PartitionLog): void {
  let last = activeSegment(log);
  const check = cutTornEnd(last);
  if (check.cut > 0) {
    log.options.warn(`Cut a torn end of ${check.cut} bytes from ${last.path}.`);
  }
  log.endOffset = last.baseOffset + last.bytes;
  log.nextSequence = check.nextSequence;
  let newest = check;
  const before = log.segments.at(-2);
  if (check.lastMs === null && before !== undefined) {
    last = before;
    newest = cutTornEnd(before);
  }
  const sequence = log.nextSequence - 1;
  log.newest = newest.lastMs === null
    ? { sequence, offset: sequence < 0 ? "-1" : String(log.endOffset), enqueuedMs: 0 }
    : { sequence, offset: String(newest.lastOffset), enqueuedMs: newest.lastMs };
}

function beginSegment(log: PartitionLog): void {
  const path = segmentPath(log.directory, log.endOffset, log.nextSequence);
  log.file = openFile(path);
  syncFolder(log.directory);
  log.segments.push({
    path,
    baseOffset: log.endOffset,
    baseSequence: log.nextSequence,
    bytes: 0,
    firstMs: null,
    lastMs: null,
    readFile: null,
  });
}
