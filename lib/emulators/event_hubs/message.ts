import { Buffer } from "node:buffer";
import {
  checkedSections,
  DATA,
  DELIVERY_ANNOTATIONS,
  HEADER,
  MESSAGE_ANNOTATIONS,
  sectionAt,
} from "./sections.ts";
import {
  checkValue,
  compoundContent,
  DecodeError,
  encodeText,
  skipValue,
  variableContent,
} from "./wire.ts";

/** Message format of a transfer whose data sections each hold one encoded message. */
export const BATCH_FORMAT = 0x80013700;

/** Bytes of the longest partition key: 128 characters, as the service allows. */
const MAX_KEY = 4 * 128;
const EMPTY = Buffer.alloc(0);
const PARTITION_KEY = "x-opt-partition-key";
/** Annotations that only the service sets: what a producer writes there is dropped. */
const SERVICE_ANNOTATIONS = new Set([
  PARTITION_KEY,
  "x-opt-sequence-number",
  "x-opt-offset",
  "x-opt-enqueued-time",
  "x-opt-publisher",
]);

/** One message as a producer encoded it, cut where the service has to put its annotations in. */
export interface StoredMessage {
  /** Partition key as UTF-8, empty when there is none. */
  key: Buffer;
  /** The header section, or empty. */
  header: Buffer;
  /** Key and value pairs of the producer's own message annotations, one after another. */
  annotations: Buffer;
  /** How many keys and values `annotations` holds. */
  annotationItems: number;
  /** All sections from the properties on, as received. */
  rest: Buffer;
}

/**
 * Reads the messages of one transfer without decoding their bodies.
 *
 * @param payload the whole transfer
 * @param format its message format; {@link BATCH_FORMAT} holds many messages
 * @throws {DecodeError} when the bytes are no AMQP messages
 */
export function parseTransfer(payload: Buffer, format: number): StoredMessage[] {
  if (format !== BATCH_FORMAT) return [parseMessage(payload)];
  const messages: StoredMessage[] = [];
  let key: Buffer = EMPTY;
  for (let at = 0; at < payload.length;) {
    const section = sectionAt(payload, at);
    if (section.code === MESSAGE_ANNOTATIONS) {
      checkValue(payload, section.value, section.end);
      key = parseAnnotations(payload, section.value, section.end).key;
    } else if (section.code === DATA) {
      const content = variableContent(payload, section.value, section.end);
      if (content === null) throw new DecodeError("A data section of a batch holds no binary.");
      const message = parseMessage(payload.subarray(content.from, content.to));
      if (message.key.length === 0) message.key = key;
      messages.push(message);
    }
    at = section.end;
  }
  if (messages.length === 0) throw new DecodeError("A batch without any message was sent.");
  return messages;
}

/** The partition key that decides where a transfer goes: that of its first message. */
export function partitionKeyOf(messages: StoredMessage[]): string | null {
  const key = messages[0]?.key ?? EMPTY;
  return key.length === 0 ? null : key.toString("utf8");
}

function parseMessage(bytes: Buffer): StoredMessage {
  const message: StoredMessage = {
    key: EMPTY,
    header: EMPTY,
    annotations: EMPTY,
    annotationItems: 0,
    rest: EMPTY,
  };
  for (const { code, at, value, end } of checkedSections(bytes)) {
    if (code > MESSAGE_ANNOTATIONS) {
      message.rest = bytes.subarray(at);
      break;
    }
    if (code === HEADER) {
      message.header = bytes.subarray(at, end);
      checkLength("header", message.header.length, 0xffff);
    } else if (code === MESSAGE_ANNOTATIONS) {
      Object.assign(message, parseAnnotations(bytes, value, end));
    }
  }
  return message;
}

function parseAnnotations(
  bytes: Buffer,
  at: number,
  end: number,
): Pick<StoredMessage, "key" | "annotations" | "annotationItems"> {
  const map = compoundContent(bytes, at, end, "map");
  if (map === null) throw new DecodeError("The message annotations are no map.");
  let key: Buffer = EMPTY;
  const kept: Buffer[] = [];
  for (let from = map.from; from < map.to;) {
    const value = skipValue(bytes, from, map.to);
    const next = skipValue(bytes, value, map.to);
    const name = textAt(bytes, from, value);
    if (name === PARTITION_KEY) key = keyAt(bytes, value, next);
    if (!SERVICE_ANNOTATIONS.has(name)) kept.push(bytes.subarray(from, next));
    from = next;
  }
  checkLength("partition key", key.length, MAX_KEY);
  checkLength("list of annotations", kept.length, 0x7fff);
  const annotations = kept.length === 0 ? EMPTY : Buffer.concat(kept);
  return { key, annotations, annotationItems: 2 * kept.length };
}

function checkLength(what: string, length: number, limit: number): void {
  if (length > limit) throw new DecodeError(`The ${what} of a message is longer than ${limit}.`);
}

function textAt(bytes: Buffer, at: number, end: number): string {
  const content = variableContent(bytes, at, end);
  return content === null ? "" : bytes.toString("latin1", content.from, content.to);
}

function keyAt(bytes: Buffer, at: number, end: number): Buffer {
  const content = variableContent(bytes, at, end);
  return content === null ? EMPTY : bytes.subarray(content.from, content.to);
}

const ANNOTATIONS_HEAD = Buffer.from([0x00, 0x53, MESSAGE_ANNOTATIONS, 0xd1]);
const SEQUENCE_NAME = encodeText("x-opt-sequence-number", true);
const OFFSET_NAME = encodeText("x-opt-offset", true);
const ENQUEUED_NAME = encodeText("x-opt-enqueued-time", true);
const KEY_NAME = encodeText(PARTITION_KEY, true);
const FIXED_ANNOTATIONS = SEQUENCE_NAME.length + 9 + OFFSET_NAME.length + 2 + ENQUEUED_NAME.length +
  9;

/** A message with its place in the partition. */
export interface EnqueuedMessage extends StoredMessage {
  sequence: number;
  /** Byte position in the partition's log. */
  offset: number;
  /** Milliseconds since 1970. */
  enqueuedMs: number;
}

/** An upper bound of the bytes {@link writeMessage} writes. */
export function messageSize(message: EnqueuedMessage, deliveryAnnotations: Buffer): number {
  return message.header.length + deliveryAnnotations.length + ANNOTATIONS_HEAD.length + 8 +
    FIXED_ANNOTATIONS + 20 + KEY_NAME.length + 5 + message.key.length + message.annotations.length +
    message.rest.length;
}

/**
 * Writes a message as consumers get it: header, delivery annotations, the service's and the
 * producer's message annotations, and the rest as it was received.
 *
 * @returns the position after it
 */
export function writeMessage(
  target: Buffer,
  at: number,
  message: EnqueuedMessage,
  deliveryAnnotations: Buffer,
): number {
  at += message.header.copy(target, at);
  at += deliveryAnnotations.copy(target, at);
  at += ANNOTATIONS_HEAD.copy(target, at);
  const sizeAt = at;
  const keyed = message.key.length > 0;
  target.writeUInt32BE(6 + (keyed ? 2 : 0) + message.annotationItems, at + 4);
  at += 8;
  at += SEQUENCE_NAME.copy(target, at);
  at = writeLong(target, at, 0x81, message.sequence);
  at += OFFSET_NAME.copy(target, at);
  at = writeAscii(target, at, String(message.offset));
  at += ENQUEUED_NAME.copy(target, at);
  at = writeLong(target, at, 0x83, message.enqueuedMs);
  if (keyed) {
    at += KEY_NAME.copy(target, at);
    at = writeString(target, at, message.key);
  }
  at += message.annotations.copy(target, at);
  target.writeUInt32BE(at - sizeAt - 4, sizeAt);
  return at + message.rest.copy(target, at);
}

function writeLong(target: Buffer, at: number, code: number, value: number): number {
  target[at] = code;
  const high = Math.floor(value / 0x1_0000_0000);
  target.writeInt32BE(high, at + 1);
  return target.writeUInt32BE(value - high * 0x1_0000_0000, at + 5);
}

function writeAscii(target: Buffer, at: number, text: string): number {
  target[at] = 0xa1;
  target[at + 1] = text.length;
  for (let i = 0; i < text.length; i++) target[at + 2 + i] = text.charCodeAt(i);
  return at + 2 + text.length;
}

function writeString(target: Buffer, at: number, content: Buffer): number {
  if (content.length < 256) {
    target[at++] = 0xa1;
    target[at++] = content.length;
  } else {
    target[at++] = 0xb1;
    at = target.writeUInt32BE(content.length, at);
  }
  return at + content.copy(target, at);
}

/** What is known of a partition's newest event, as runtime metrics carry it. */
export interface NewestEvent {
  sequence: number;
  offset: string;
  enqueuedMs: number;
}

/** Delivery annotations with a partition's newest event, for receivers that asked for them. */
export function runtimeMetrics(newest: NewestEvent, nowMs: number): Buffer {
  const long = (code: number, value: number) => {
    const bytes = Buffer.alloc(9);
    writeLong(bytes, 0, code, value);
    return bytes;
  };
  const items = Buffer.concat([
    encodeText("last_enqueued_sequence_number", true),
    long(0x81, newest.sequence),
    encodeText("last_enqueued_offset", true),
    encodeText(newest.offset),
    encodeText("last_enqueued_time_utc", true),
    long(0x83, newest.enqueuedMs),
    encodeText("runtime_info_retrieval_time_utc", true),
    long(0x83, nowMs),
  ]);
  const head = Buffer.from([0x00, 0x53, DELIVERY_ANNOTATIONS, 0xd1, 0, 0, 0, 0, 0, 0, 0, 8]);
  head.writeUInt32BE(items.length + 4, 4);
  return Buffer.concat([head, items]);
}
