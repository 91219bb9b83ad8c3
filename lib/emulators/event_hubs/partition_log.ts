import { Buffer } from "node:buffer";
import { mkdirSync } from "node:fs";
import type { NewestEvent, StoredMessage } from "./message.ts";
import { recordSize, writeRecord } from "./record.ts";
import { closeSegment, cutTornEnd, listSegments, type Segment, segmentPath } from "./segment.ts";

/** When written events are forced to the disk, before their producer hears that they are kept. */
export type FsyncPolicy = "batch" | { intervalMs: number };

/** How a partition's log is kept. */
export interface LogOptions {
  /** Bytes after which a new segment is begun. */
  segmentBytes: number;
  /** `batch` forces each write to the disk; an interval does so every so many milliseconds. */
  fsync: FsyncPolicy;
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
  pendingBytes: number;
  flushing: Promise<void> | null;
  file: Deno.FsFile | null;
  /** Whether a failed write may have left bytes beyond the end of the segment. */
  torn: boolean;
  syncTimer: ReturnType<typeof setTimeout> | null;
  closed: boolean;
}

interface PendingAppend {
  messages: StoredMessage[];
  bytes: number;
  resolve: () => void;
  reject: (error: unknown) => void;
}

const MAX_WRITE = 8 * 1024 * 1024;

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
    pendingBytes: 0,
    flushing: null,
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

/**
 * Adds messages at the end. Resolves when they are kept as the fsync policy demands; only then do
 * consumers see them. Appends that wait together are written together.
 *
 * @throws the disk's own error when they could not be written: none of them was kept
 */
export function append(log: PartitionLog, messages: StoredMessage[]): Promise<void> {
  if (log.closed) return Promise.reject(new Error("The log is closed."));
  const bytes = messages.reduce((sum, message) => sum + recordSize(message), 0);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  log.pending.push({ messages, bytes, resolve, reject });
  log.pendingBytes += bytes;
  log.flushing ??= flush(log);
  return promise;
}

/** Does some work on the files while nothing is written to them. */
export async function betweenWrites(log: PartitionLog, work: () => Promise<void>): Promise<void> {
  while (log.flushing !== null) await log.flushing;
  const done = work();
  const turn = done.catch(() => {}).then(() => {
    log.flushing = null;
    if (log.pending.length > 0) log.flushing = flush(log);
  });
  log.flushing = turn;
  await done;
}

/** Begins a new segment if the present one holds anything. Nothing may be in the course of writing. */
export async function rollSegment(log: PartitionLog): Promise<void> {
  if (activeSegment(log).bytes === 0) return;
  await log.file?.syncData();
  log.file?.close();
  log.file = null;
  beginSegment(log);
}

/** Writes what waits, and closes all files. */
export async function closeLog(log: PartitionLog): Promise<void> {
  log.closed = true;
  await log.flushing;
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

function activeSegment(log: PartitionLog): Segment {
  return log.segments.at(-1)!;
}

function beginSegment(log: PartitionLog): void {
  const path = segmentPath(log.directory, log.endOffset, log.nextSequence);
  log.file = Deno.openSync(path, { write: true, append: true, create: true });
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

async function flush(log: PartitionLog): Promise<void> {
  await Promise.resolve(); // what is appended in the same turn is written in the same write
  while (log.pending.length > 0) {
    const taken = takePending(log);
    try {
      await write(log, taken);
    } catch (error) {
      log.pendingBytes -= taken.reduce((sum, one) => sum + one.bytes, 0);
      for (const one of taken) one.reject(error);
      continue;
    }
    log.pendingBytes -= taken.reduce((sum, one) => sum + one.bytes, 0);
    for (const one of taken) one.resolve();
    for (const listener of log.listeners) listener();
  }
  log.flushing = null;
}

function takePending(log: PartitionLog): PendingAppend[] {
  let count = 0;
  let bytes = 0;
  while (count < log.pending.length && (count === 0 || bytes < MAX_WRITE)) {
    bytes += log.pending[count++]!.bytes;
  }
  return log.pending.splice(0, count);
}

async function write(log: PartitionLog, taken: PendingAppend[]): Promise<void> {
  if (activeSegment(log).bytes >= log.options.segmentBytes) await rollSegment(log);
  const segment = activeSegment(log);
  const enqueuedMs = Math.max(log.options.now(), log.newest.enqueuedMs);
  const bytes = Buffer.allocUnsafe(taken.reduce((sum, one) => sum + one.bytes, 0));
  let at = 0;
  let lastAt = 0;
  let sequence = log.nextSequence;
  for (const one of taken) {
    for (const message of one.messages) {
      lastAt = at;
      at = writeRecord(bytes, at, message, sequence++, enqueuedMs);
    }
  }
  await writeDurably(log, segment, bytes);
  segment.bytes += bytes.length;
  segment.firstMs ??= enqueuedMs;
  segment.lastMs = enqueuedMs;
  log.newest = { sequence: sequence - 1, offset: String(log.endOffset + lastAt), enqueuedMs };
  log.nextSequence = sequence;
  log.endOffset += bytes.length;
}

/** After a failure, what was half written is cut off at once or, at the latest, before the next write. */
async function writeDurably(log: PartitionLog, segment: Segment, bytes: Buffer): Promise<void> {
  log.file ??= Deno.openSync(segment.path, { write: true, append: true, create: true });
  if (log.torn) await log.file.truncate(segment.bytes);
  log.torn = true;
  try {
    for (let done = 0; done < bytes.length;) done += await log.file.write(bytes.subarray(done));
    if (log.options.fsync === "batch") await log.file.syncData();
    else syncLater(log, log.options.fsync.intervalMs);
    log.torn = false;
  } catch (error) {
    await log.file.truncate(segment.bytes).then(() => log.torn = false, () => {});
    throw error;
  }
}

function syncLater(log: PartitionLog, intervalMs: number): void {
  log.syncTimer ??= setTimeout(() => {
    log.syncTimer = null;
    log.file?.syncData().catch((error) => {
      if (!log.closed) log.options.warn(`Could not force ${log.directory} to the disk: ${error}`);
    });
  }, intervalMs);
}
