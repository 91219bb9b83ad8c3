import type { Buffer } from "node:buffer";
import type { EnqueuedMessage } from "./message.ts";
import { isEmpty, type PartitionLog } from "./partition_log.ts";
import { readRecord, recordAt } from "./record.ts";
import { findInSegment, readFrom, type Segment } from "./segment.ts";

/** Where a consumer begins to read. */
export type StartPosition =
  | { kind: "earliest" }
  | { kind: "latest" }
  | { kind: "offset" | "sequence" | "time"; value: number; inclusive: boolean };

/** A reader's place in a partition's log, with the bytes it has read ahead. */
export interface Cursor {
  /** Position in the log of the next record. */
  offset: number;
  chunk: Buffer | null;
  at: number;
}

const CHUNK = 128 * 1024;

/**
 * A cursor at a start position. A position older than the oldest event kept becomes that event.
 *
 * @returns null when the position lies beyond the end of the partition
 */
export function openCursor(log: PartitionLog, start: StartPosition): Cursor | null {
  const offset = offsetOf(log, start);
  return offset === null ? null : { offset, chunk: null, at: 0 };
}

/** The next message without moving on, or null at the end of the partition. */
export function peek(log: PartitionLog, cursor: Cursor): EnqueuedMessage | null {
  while (cursor.offset < log.endOffset) {
    if (cursor.chunk === null && !fill(log, cursor)) return null;
    const here = recordAt(cursor.chunk!, cursor.at, cursor.chunk!.length);
    if (here.kind === "record") return readRecord(cursor.chunk!, cursor.at, cursor.offset);
    cursor.chunk = null;
    if (here.kind === "corrupt") skipRest(log, cursor);
    else if (!fill(log, cursor, here.needs)) return null;
  }
  return null;
}

/** Moves past the message that {@link peek} gave. */
export function advance(cursor: Cursor): void {
  const size = cursor.chunk!.readUInt32BE(cursor.at) + 4;
  cursor.at += size;
  cursor.offset += size;
  if (cursor.at >= cursor.chunk!.length) cursor.chunk = null;
}

/** The segment that holds a position, oldest kept when the position is older. */
export function segmentOf(log: PartitionLog, offset: number): Segment {
  for (let i = log.segments.length - 1; i > 0; i--) {
    if (log.segments[i]!.baseOffset <= offset) return log.segments[i]!;
  }
  return log.segments[0]!;
}

function fill(log: PartitionLog, cursor: Cursor, needs = 0): boolean {
  const segment = segmentOf(log, cursor.offset);
  if (cursor.offset < segment.baseOffset) cursor.offset = segment.baseOffset;
  const inside = cursor.offset - segment.baseOffset;
  const available = Math.min(segment.bytes, log.endOffset - segment.baseOffset) - inside;
  if (available <= 0) return false;
  if (needs > available) {
    skipRest(log, cursor);
    return true;
  }
  cursor.chunk = readFrom(segment, inside, Math.min(available, Math.max(CHUNK, needs)));
  cursor.at = 0;
  return cursor.chunk.length > 0;
}

/** Leaves a damaged segment behind: the events after the damage in it cannot be told apart. */
function skipRest(log: PartitionLog, cursor: Cursor): void {
  const segment = segmentOf(log, cursor.offset);
  log.options.warn(
    `${segment.path} is damaged at byte ${cursor.offset - segment.baseOffset}; ` +
      `its remaining events are skipped.`,
  );
  cursor.chunk = null;
  cursor.offset = segment.baseOffset + segment.bytes;
}

function offsetOf(log: PartitionLog, start: StartPosition): number | null {
  const first = log.segments[0]!.baseOffset;
  switch (start.kind) {
    case "earliest":
      return first;
    case "latest":
      return log.endOffset;
    case "offset":
      return offsetAfter(log, first, start.value, start.inclusive);
    case "sequence":
      return offsetOfSequence(log, start.inclusive ? start.value : start.value + 1);
    case "time":
      return offsetOfTime(log, start.value, start.inclusive);
  }
}

function offsetAfter(
  log: PartitionLog,
  first: number,
  value: number,
  inclusive: boolean,
): number | null {
  if (value < first) return first;
  if (value >= log.endOffset) {
    const isNewest = value === log.endOffset || String(value) === log.newest.offset;
    return isNewest ? log.endOffset : null;
  }
  const at: Cursor = { offset: value, chunk: null, at: 0 };
  if (isRecordStart(log, at)) {
    if (!inclusive) advance(at);
    return at.offset;
  }
  return nextRecord(log, value);
}

/** A position inside a record, which no client was ever given, becomes the record after it. */
function nextRecord(log: PartitionLog, offset: number): number {
  const cursor: Cursor = { offset: segmentOf(log, offset).baseOffset, chunk: null, at: 0 };
  while (cursor.offset < offset && peek(log, cursor) !== null) advance(cursor);
  return Math.min(cursor.offset, log.endOffset);
}

function isRecordStart(log: PartitionLog, cursor: Cursor): boolean {
  if (!fill(log, cursor)) return false;
  const here = recordAt(cursor.chunk!, 0, cursor.chunk!.length);
  if (here.kind !== "incomplete" || !fill(log, cursor, here.needs)) return here.kind === "record";
  return cursor.chunk !== null && recordAt(cursor.chunk, 0, cursor.chunk.length).kind === "record";
}

function offsetOfSequence(log: PartitionLog, sequence: number): number | null {
  if (sequence > log.nextSequence) return null;
  if (sequence === log.nextSequence) return log.endOffset;
  const segments = log.segments;
  let i = segments.length - 1;
  while (i > 0 && segments[i]!.baseSequence > sequence) i--;
  return findInSegment(segments[i]!, (found) => found >= sequence);
}

function offsetOfTime(log: PartitionLog, ms: number, inclusive: boolean): number {
  const reached = (enqueuedMs: number) => inclusive ? enqueuedMs >= ms : enqueuedMs > ms;
  if (isEmpty(log) || !reached(log.newest.enqueuedMs)) return log.endOffset;
  let i = log.segments.length - 1;
  while (i > 0 && (log.segments[i]!.firstMs === null || reached(log.segments[i]!.firstMs!))) i--;
  return findInSegment(log.segments[i]!, (_sequence, enqueuedMs) => reached(enqueuedMs));
}
