import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import type { EnqueuedMessage, StoredMessage } from "./message.ts";

/**
 * A record on disk, big endian:
 * size of what follows (4), CRC-32 of what follows it (4), sequence number (8), enqueued time in ms
 * (8), key bytes (2), header bytes (2), annotation bytes (4), annotation items (2), key, header,
 * annotations, rest.
 */
export const RECORD_HEAD = 34;

/** Largest record accepted when reading: a message of the largest size with all around it. */
export const MAX_RECORD = 64 * 1024 * 1024;

/** Bytes a message takes on disk. */
export function recordSize(message: StoredMessage): number {
  return RECORD_HEAD + message.key.length + message.header.length + message.annotations.length +
    message.rest.length;
}

/**
 * Writes one record at `at`.
 *
 * @returns the position after it
 */
export function writeRecord(
  target: Buffer,
  at: number,
  message: StoredMessage,
  sequence: number,
  enqueuedMs: number,
): number {
  const end = at + recordSize(message);
  target.writeUInt32BE(end - at - 4, at);
  writeSafeInteger(target, sequence, at + 8);
  writeSafeInteger(target, enqueuedMs, at + 16);
  target.writeUInt16BE(message.key.length, at + 24);
  target.writeUInt16BE(message.header.length, at + 26);
  target.writeUInt32BE(message.annotations.length, at + 28);
  target.writeUInt16BE(message.annotationItems, at + 32);
  let to = at + RECORD_HEAD;
  to += message.key.copy(target, to);
  to += message.header.copy(target, to);
  to += message.annotations.copy(target, to);
  message.rest.copy(target, to);
  target.writeUInt32BE(crc32(target.subarray(at + 8, end)), at + 4);
  return end;
}

/** What stands at a position: a record, the beginning of one, or something that is none. */
export type RecordAt =
  | { kind: "record"; end: number }
  | { kind: "incomplete"; needs: number }
  | { kind: "corrupt" };

/** Looks whether a whole and sound record begins at `at`. */
export function recordAt(bytes: Buffer, at: number, end: number): RecordAt {
  if (end - at < 4) return { kind: "incomplete", needs: RECORD_HEAD };
  const size = bytes.readUInt32BE(at) + 4;
  if (size < RECORD_HEAD || size > MAX_RECORD) return { kind: "corrupt" };
  if (end - at < size) return { kind: "incomplete", needs: size };
  const crc = crc32(bytes.subarray(at + 8, at + size));
  return crc === bytes.readUInt32BE(at + 4)
    ? { kind: "record", end: at + size }
    : { kind: "corrupt" };
}

/** Sequence number of the record at `at`. */
export function sequenceAt(bytes: Buffer, at: number): number {
  return readSafeInteger(bytes, at + 8);
}

/** Enqueued time, in milliseconds, of the record at `at`. */
export function enqueuedAt(bytes: Buffer, at: number): number {
  return readSafeInteger(bytes, at + 16);
}

/**
 * The message of the record at `at`, sharing memory with `bytes`.
 *
 * @param offset byte position of the record in the partition's log
 */
export function readRecord(bytes: Buffer, at: number, offset: number): EnqueuedMessage {
  const end = at + bytes.readUInt32BE(at) + 4;
  const key = at + RECORD_HEAD;
  const header = key + bytes.readUInt16BE(at + 24);
  const annotations = header + bytes.readUInt16BE(at + 26);
  const rest = annotations + bytes.readUInt32BE(at + 28);
  return {
    sequence: sequenceAt(bytes, at),
    offset,
    enqueuedMs: enqueuedAt(bytes, at),
    key: bytes.subarray(key, header),
    header: bytes.subarray(header, annotations),
    annotations: bytes.subarray(annotations, rest),
    annotationItems: bytes.readUInt16BE(at + 32),
    rest: bytes.subarray(rest, end),
  };
}

function writeSafeInteger(target: Buffer, value: number, at: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  target.writeInt32BE(high, at);
  target.writeUInt32BE(value - high * 0x1_0000_0000, at + 4);
}

function readSafeInteger(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);
}
