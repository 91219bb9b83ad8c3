import { Buffer } from "node:buffer";
import { closeSync, openSync, readdirSync, readSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { enqueuedAt, MAX_RECORD, RECORD_HEAD, recordAt, sequenceAt } from "./record.ts";

/** One file of a partition's log. Its name tells where it begins, so that an empty one does too. */
export interface Segment {
  path: string;
  /** Byte position in the log of its first record. */
  baseOffset: number;
  /** Sequence number of its first record, written or yet to come. */
  baseSequence: number;
  /** Bytes of sound records. */
  bytes: number;
  /** When its first record was enqueued, in ms; null while it is empty. */
  firstMs: number | null;
  /** When its last record was enqueued, in ms; null while that is not known. */
  lastMs: number | null;
  /** Open for reading, while a consumer needs it. */
  readFile: number | null;
}

/** What the check of a segment found. */
export interface SegmentCheck {
  /** Sequence number after the last sound record. */
  nextSequence: number;
  /** When the last sound record was enqueued, in ms; null when there is none. */
  lastMs: number | null;
  /** Where the last sound record begins, as a position in the log; null when there is none. */
  lastOffset: number | null;
  /** Bytes cut from its end. */
  cut: number;
}

const DIGITS = 16;
const CHUNK = 1024 * 1024;

/** The path of the segment that begins at a position. */
export function segmentPath(directory: string, baseOffset: number, baseSequence: number): string {
  const pad = (n: number) => String(n).padStart(DIGITS, "0");
  return join(directory, `${pad(baseOffset)}-${pad(baseSequence)}.log`);
}

/** All segments of a folder, oldest first. */
export function listSegments(directory: string): Segment[] {
  const segments: Segment[] = [];
  for (const name of readdirSync(directory).sort()) {
    const match = /^(\d{16})-(\d{16})\.log$/.exec(name);
    if (match === null) continue;
    const path = join(directory, name);
    const segment: Segment = {
      path,
      baseOffset: Number(match[1]),
      baseSequence: Number(match[2]),
      bytes: statSync(path).size,
      firstMs: null,
      lastMs: null,
      readFile: null,
    };
    if (segment.bytes >= RECORD_HEAD) {
      const head = readFrom(segment, 0, RECORD_HEAD);
      if (head.length === RECORD_HEAD) segment.firstMs = enqueuedAt(head, 0);
    }
    segments.push(segment);
  }
  return segments;
}

/**
 * Reads a segment from its beginning, record by record, and cuts it off after the last sound one: a
 * process that was killed while it wrote leaves a torn end.
 */
export function cutTornEnd(segment: Segment): SegmentCheck {
  const check: SegmentCheck = {
    nextSequence: segment.baseSequence,
    lastMs: null,
    lastOffset: null,
    cut: 0,
  };
  const sound = walk(segment, (bytes, at, offset) => {
    check.nextSequence = sequenceAt(bytes, at) + 1;
    check.lastMs = enqueuedAt(bytes, at);
    check.lastOffset = offset;
    return true;
  });
  check.cut = segment.bytes - sound;
  segment.lastMs = check.lastMs;
  if (check.cut > 0) {
    closeSegment(segment);
    truncateSync(segment.path, sound);
    segment.bytes = sound;
    if (sound === 0) segment.firstMs = null;
  }
  return check;
}

/**
 * The position in the log of the first record for which `wanted` holds, or the segment's end.
 *
 * @param wanted is given the record's sequence number and enqueued time
 */
export function findInSegment(
  segment: Segment,
  wanted: (sequence: number, enqueuedMs: number) => boolean,
): number {
  let found = segment.baseOffset + segment.bytes;
  walk(segment, (bytes, at, offset) => {
    if (!wanted(sequenceAt(bytes, at), enqueuedAt(bytes, at))) return true;
    found = offset;
    return false;
  });
  return found;
}

/** When the last record of a segment was enqueued, in ms; read once. Null when it is empty. */
export function lastEnqueued(segment: Segment): number | null {
  if (segment.lastMs === null) {
    walk(segment, (bytes, at) => {
      segment.lastMs = enqueuedAt(bytes, at);
      return true;
    });
  }
  return segment.lastMs;
}

/** Reads up to `length` bytes at a position inside the segment. */
export function readFrom(segment: Segment, at: number, length: number): Buffer {
  segment.readFile ??= openSync(segment.path, "r");
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const read = readSync(segment.readFile, bytes, filled, length - filled, at + filled);
    if (read === 0) break;
    filled += read;
  }
  return bytes.subarray(0, filled);
}

/** Closes what {@link readFrom} opened. */
export function closeSegment(segment: Segment): void {
  if (segment.readFile !== null) closeSync(segment.readFile);
  segment.readFile = null;
}

/** Calls `visit` for each sound record until it gives false; returns the end of the last one seen. */
function walk(
  segment: Segment,
  visit: (bytes: Buffer, at: number, offset: number) => boolean,
): number {
  let position = 0;
  let wanted = CHUNK;
  while (position < segment.bytes) {
    const bytes = readFrom(segment, position, Math.min(wanted, segment.bytes - position));
    let at = 0;
    while (true) {
      const here = recordAt(bytes, at, bytes.length);
      if (here.kind === "corrupt") return position + at;
      if (here.kind === "incomplete") {
        if (position + bytes.length >= segment.bytes || here.needs > MAX_RECORD) {
          return position + at;
        }
        wanted = Math.max(CHUNK, here.needs);
        break;
      }
      if (!visit(bytes, at, segment.baseOffset + position + at)) return position + here.end;
      at = here.end;
    }
    if (at === 0 && bytes.length >= wanted) return position;
    position += at;
  }
  return position;
}
