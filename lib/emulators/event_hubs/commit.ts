import { Buffer } from "node:buffer";
import type { StoredMessage } from "./message.ts";
import {
  activeSegment,
  closeFiles,
  openFile,
  type PartitionLog,
  type PendingAppend,
  rollSegment,
} from "./partition_log.ts";
import { recordSize, writeRecord } from "./record.ts";

/**
 * Writes what waits in the logs of a namespace, in rounds: all logs are written, all are forced to
 * the disk, and all who wait are answered together. While a round waits for the disk, the next one
 * gathers; so the more there is to do, the more events share one write, one wait for the disk and
 * one answer, and no event ever waits for a timer.
 */
export interface CommitQueue {
  /** Logs with something to write. */
  logs: Set<PartitionLog>;
  /** What has to be done while nothing is written. */
  work: (() => Promise<void>)[];
  running: Promise<void> | null;
}

/** What one round writes to one log. */
interface Share {
  log: PartitionLog;
  taken: PendingAppend[];
  /** Bytes written. */
  bytes: number;
  /** Where the last record begins in them. */
  lastAt: number;
  nextSequence: number;
  enqueuedMs: number;
  /** Why it could not be kept. */
  error: unknown;
}

/** Bytes of one log after which the rest waits for the next round. */
const MAX_WRITE = 1024 * 1024;
/** Logs that are forced to the disk one after the other, which lets more gather meanwhile. */
const LANE = 4;

/** An empty queue, for the logs of one namespace. */
export function createCommitQueue(): CommitQueue {
  return { logs: new Set(), work: [], running: null };
}

/**
 * Adds messages at the end of a log.
 *
 * @param done is called when they are kept as the fsync policy demands (only then do consumers see
 * them), or with the disk's own error when none of them was kept
 */
export function append(
  log: PartitionLog,
  messages: StoredMessage[],
  done: (error: unknown) => void,
): void {
  if (log.closed) return done(new Error("The log is closed."));
  const bytes = messages.reduce((sum, message) => sum + recordSize(message), 0);
  log.pending.push({ messages, bytes, done });
  const { commits } = log.options;
  commits.logs.add(log);
  commits.running ??= run(commits);
}

/** Does some work on a log's files while nothing is written. */
export function betweenWrites(log: PartitionLog, work: () => Promise<void>): Promise<void> {
  const { commits } = log.options;
  return new Promise((resolve, reject) => {
    commits.work.push(() => work().then(resolve, reject));
    commits.running ??= run(commits);
  });
}

/** Writes what waits, and closes all files. */
export async function closeLog(log: PartitionLog): Promise<void> {
  log.closed = true;
  await betweenWrites(log, async () => {
    while (log.pending.length > 0) await commit(log.options.commits, [log]);
    await closeFiles(log);
  });
}

async function run(queue: CommitQueue): Promise<void> {
  await Promise.resolve(); // what is appended in the same turn is written in the same round
  while (queue.logs.size > 0 || queue.work.length > 0) {
    for (const work of queue.work.splice(0)) await work();
    const logs = [...queue.logs];
    queue.logs.clear();
    await commit(queue, logs);
  }
  queue.running = null;
}

async function commit(queue: CommitQueue, logs: PartitionLog[]): Promise<void> {
  const shares: Share[] = [];
  for (const log of logs) {
    const taken = takePending(log);
    if (log.pending.length > 0) queue.logs.add(log);
    if (taken.length === 0) continue;
    const share: Share = {
      log,
      taken,
      bytes: 0,
      lastAt: 0,
      nextSequence: log.nextSequence,
      enqueuedMs: Math.max(log.options.now(), log.newest.enqueuedMs),
      error: null,
    };
    shares.push(share);
    await attempt(share, () => write(share));
  }
  const lanes = Math.ceil(shares.length / LANE);
  await Promise.all(Array.from({ length: lanes }, async (_, lane) => {
    for (let i = lane; i < shares.length; i += lanes) {
      if (shares[i]!.error === null) await attempt(shares[i]!, () => force(shares[i]!.log));
    }
  }));
  for (const share of shares) finish(share);
}

function takePending(log: PartitionLog): PendingAppend[] {
  let count = 0;
  let bytes = 0;
  while (count < log.pending.length && (count === 0 || bytes < MAX_WRITE)) {
    bytes += log.pending[count++]!.bytes;
  }
  return log.pending.splice(0, count);
}

/** After a failure, what was half written is cut off at once or, at the latest, before the next write. */
async function attempt(share: Share, step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    share.error = error;
    cut(share.log);
  }
}

function cut(log: PartitionLog): boolean {
  try {
    log.file?.truncateSync(activeSegment(log).bytes);
    log.torn = false;
  } catch {
    log.torn = true;
  }
  return !log.torn;
}

/** Into the page cache, which takes less time than asking another thread to do it. */
async function write(share: Share): Promise<void> {
  const { log, taken } = share;
  if (activeSegment(log).bytes >= log.options.segmentBytes) await rollSegment(log);
  const bytes = Buffer.allocUnsafe(taken.reduce((sum, one) => sum + one.bytes, 0));
  let at = 0;
  for (const { messages } of taken) {
    for (const message of messages) {
      share.lastAt = at;
      at = writeRecord(bytes, at, message, share.nextSequence++, share.enqueuedMs);
    }
  }
  share.bytes = at;
  const file = log.file ??= openFile(activeSegment(log).path);
  if (log.torn && !cut(log)) throw new Error("A torn write could not be taken back.");
  for (let done = 0; done < at;) done += file.writeSync(bytes.subarray(done));
}

async function force(log: PartitionLog): Promise<void> {
  const { fsync } = log.options;
  if (fsync === "batch") return await log.file!.syncData();
  log.syncTimer ??= setTimeout(() => {
    log.syncTimer = null;
    log.file?.syncData().catch((error) => {
      if (!log.closed) log.options.warn(`Could not force ${log.directory} to the disk: ${error}`);
    });
  }, fsync.intervalMs);
}

/** Lets consumers see what was kept, and tells those who wait. */
function finish({ log, taken, bytes, lastAt, nextSequence, enqueuedMs, error }: Share): void {
  if (error === null) {
    const segment = activeSegment(log);
    segment.bytes += bytes;
    segment.firstMs ??= enqueuedMs;
    segment.lastMs = enqueuedMs;
    const offset = String(log.endOffset + lastAt);
    log.newest = { sequence: nextSequence - 1, offset, enqueuedMs };
    log.nextSequence = nextSequence;
    log.endOffset += bytes;
  }
  for (const one of taken) one.done(error);
  if (error === null) { for (const listener of log.listeners) listener(); }
}
