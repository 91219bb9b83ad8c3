import { Buffer, isUtf8 } from "node:buffer";
import { ClickstreamError } from "clickstream/config";

/** Bytes that are not what AMQP 1.0 says they should be. */
export class DecodeError extends ClickstreamError {}

const MAX_DEPTH = 32;
const MAX_EMPTY_ITEMS = 4096;

/** The position after the value that begins at `at`, looking only at its outermost size. */
export function skipValue(bytes: Buffer, at: number, end: number): number {
  let code = byteAt(bytes, at++, end);
  while (code === 0x00) {
    at = skipValue(bytes, at, end);
    code = byteAt(bytes, at++, end);
  }
  return within(at + sizeOf(bytes, code, at, end), end);
}

/**
 * The position after the value that begins at `at`, having looked at every value inside it: known
 * type codes, sizes that fit, counts that match, no endless nesting. Bytes that pass are safe to
 * hand to any decoder.
 *
 * @throws {DecodeError} says what is wrong and where
 */
export function checkValue(bytes: Buffer, at: number, end: number, depth = 0): number {
  if (depth > MAX_DEPTH) throw new DecodeError(`AMQP value at byte ${at} is nested too deeply.`);
  const code = byteAt(bytes, at, end);
  if (code === 0x00) {
    return checkValue(bytes, checkValue(bytes, at + 1, end, depth + 1), end, depth + 1);
  }
  return checkBody(bytes, code, at + 1, end, depth);
}

function checkBody(bytes: Buffer, code: number, at: number, end: number, depth: number): number {
  if (!KNOWN_CODES.has(code)) {
    throw new DecodeError(`AMQP type code 0x${code.toString(16)} at byte ${at - 1} is unknown.`);
  }
  const after = within(at + sizeOf(bytes, code, at, end), end);
  const kind = code >>> 4;
  if (kind === 0xa || kind === 0xb) checkText(bytes, code, at, after);
  if (kind < 0xc) return after;
  const wide = (kind & 1) === 1;
  const sizeBytes = wide ? 4 : 1;
  if (after - at < 2 * sizeBytes) throw new DecodeError(`AMQP list at byte ${at} has no count.`);
  const count = wide ? bytes.readUInt32BE(at + 4) : bytes[at + 1]!;
  if ((code & 0xe1) === 0xc1 && count % 2 !== 0) {
    throw new DecodeError(`AMQP map at byte ${at} has a key without a value.`);
  }
  const inside = at + 2 * sizeBytes;
  const stop = kind >= 0xe
    ? checkArray(bytes, count, inside, after, depth)
    : checkItems(bytes, count, inside, after, depth);
  if (stop !== after) throw new DecodeError(`AMQP value at byte ${at} is longer than its items.`);
  return after;
}

/** Strings are UTF-8; symbols are ASCII, and leniently read as UTF-8 too. */
function checkText(bytes: Buffer, code: number, at: number, after: number): void {
  if ((code & 0xf) === 0 || isUtf8(bytes.subarray(at + (code >>> 4 === 0xa ? 1 : 4), after))) {
    return;
  }
  throw new DecodeError(`AMQP text at byte ${at} is not UTF-8.`);
}

function checkItems(bytes: Buffer, count: number, at: number, end: number, depth: number): number {
  if (count > end - at) throw new DecodeError(`AMQP list at byte ${at} counts more than it holds.`);
  for (let i = 0; i < count; i++) at = checkValue(bytes, at, end, depth + 1);
  return at;
}

function checkArray(bytes: Buffer, count: number, at: number, end: number, depth: number): number {
  let code = byteAt(bytes, at++, end);
  while (code === 0x00) {
    at = checkValue(bytes, at, end, depth + 1);
    code = byteAt(bytes, at++, end);
  }
  if (count > end - at && (code >>> 4 !== 4 || count > MAX_EMPTY_ITEMS)) {
    throw new DecodeError(`AMQP array at byte ${at} counts more than it holds.`);
  }
  for (let i = 0; i < count; i++) at = checkBody(bytes, code, at, end, depth + 1);
  return at;
}

/** Bytes that follow the type code: the size field, if any, and the content. */
function sizeOf(bytes: Buffer, code: number, at: number, end: number): number {
  switch (code >>> 4) {
    case 0x4:
      return 0;
    case 0x5:
      return 1;
    case 0x6:
      return 2;
    case 0x7:
      return 4;
    case 0x8:
      return 8;
    case 0x9:
      return 16;
    case 0xa:
    case 0xc:
    case 0xe:
      return 1 + byteAt(bytes, at, end);
    case 0xb:
    case 0xd:
    case 0xf:
      within(at + 4, end);
      return 4 + bytes.readUInt32BE(at);
    default:
      throw new DecodeError(`AMQP type code 0x${code.toString(16)} at byte ${at - 1} is unknown.`);
  }
}

function byteAt(bytes: Buffer, at: number, end: number): number {
  if (at >= end) throw new DecodeError(`AMQP value ends at byte ${end}, in its middle.`);
  return bytes[at]!;
}

function within(position: number, end: number): number {
  if (position > end) throw new DecodeError(`AMQP value reaches beyond byte ${end}.`);
  return position;
}

const KNOWN_CODES = new Set([
  ...[0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56],
  ...[0x60, 0x61, 0x70, 0x71, 0x72, 0x73, 0x74, 0x80, 0x81, 0x82, 0x83, 0x84, 0x94, 0x98],
  ...[0xa0, 0xa1, 0xa3, 0xb0, 0xb1, 0xb3, 0xc0, 0xc1, 0xd0, 0xd1, 0xe0, 0xf0],
]);

/** A string, symbol or binary value: where its content begins and ends. Null for any other type. */
export function variableContent(
  bytes: Buffer,
  at: number,
  end: number,
): { from: number; to: number } | null {
  const code = byteAt(bytes, at, end);
  const kind = code >>> 4;
  if (kind !== 0xa && kind !== 0xb) return null;
  const from = at + 1 + (kind === 0xa ? 1 : 4);
  return { from, to: within(at + 1 + sizeOf(bytes, code, at + 1, end), end) };
}

/** Whether the value that begins at `at` is a binary. */
export function isBinary(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0xa0 || bytes[at] === 0xb0;
}

/** Where the items of a list or map begin and end, and how many there are. Null for other types. */
export function compoundContent(
  bytes: Buffer,
  at: number,
  end: number,
  type: "list" | "map",
): { from: number; to: number; count: number } | null {
  const code = byteAt(bytes, at, end);
  if (code === 0x45 && type === "list") return { from: at + 1, to: at + 1, count: 0 };
  const kind = code >>> 4;
  if ((kind !== 0xc && kind !== 0xd) || (code & 1) !== (type === "map" ? 1 : 0)) return null;
  const to = within(at + 1 + sizeOf(bytes, code, at + 1, end), end);
  const wide = kind === 0xd;
  const from = at + 1 + (wide ? 8 : 2);
  if (from > to) throw new DecodeError(`AMQP list at byte ${at} has no count.`);
  return { from, to, count: wide ? bytes.readUInt32BE(at + 5) : bytes[at + 2]! };
}

/** Encodes text as an AMQP string (or, with `symbol`, as a symbol). */
export function encodeText(text: string, symbol = false): Buffer {
  const content = Buffer.from(text, "utf8");
  const short = content.length < 256;
  const head = Buffer.alloc(short ? 2 : 5);
  head[0] = (short ? 0xa1 : 0xb1) + (symbol ? 2 : 0);
  if (short) head[1] = content.length;
  else head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
}
