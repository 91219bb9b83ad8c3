import { closeSync, openSync, readSync, writeSync } from "node:fs";

/** A record of a CSV file that cannot be split into its columns. */
export interface BadRecord {
  /** Line of the file where it starts, from 1. */
  line: number;
  raw: string;
  reason: string;
}

/** How a file is to be split. */
export interface SplitOptions {
  /** File to read, plain text. */
  file: string;
  /** File to write: every good record, with its line and its first and last byte before it. */
  target: string;
  /** Bytes of the header line. */
  headerBytes: number;
  delimiter: string;
  /** Number of columns that a record must have. */
  columns: number;
  onBad(record: BadRecord): void;
}

const LONGEST_RECORD = 1 << 18;
const LONGEST_SHOWN = 1000;
const CHUNK = 1 << 22;
const [NEWLINE, RETURN, QUOTE] = [10, 13, 34];
const strictText = new TextDecoder("utf-8", { fatal: true });
const looseText = new TextDecoder();

/**
 * Splits a CSV file by hand, byte by byte, for files that the fast reader stumbled over: writes
 * the good records with their place in the file, and names the line and reason of each bad one.
 * After a bad record it goes on at the next line, so one open quote does not swallow the rest.
 */
export function splitRecords(options: SplitOptions): void {
  const source = openSync(options.file, "r");
  const target = openSync(options.target, "wx");
  try {
    const out = makeWriter(target);
    scan(source, options, out);
    out.flush();
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

interface Writer {
  write(prefix: string, bytes: Uint8Array): void;
  flush(): void;
}

function makeWriter(target: number): Writer {
  const buffer = new Uint8Array(CHUNK + LONGEST_RECORD + 100);
  const encoder = new TextEncoder();
  let used = 0;
  const flush = () => {
    for (let at = 0; at < used;) at += writeSync(target, buffer, at, used - at);
    used = 0;
  };
  return {
    write(prefix, bytes) {
      used += encoder.encodeInto(prefix, buffer.subarray(used)).written;
      buffer.set(bytes, used);
      used += bytes.length;
      buffer[used++] = NEWLINE;
      if (used > CHUNK) flush();
    },
    flush,
  };
}

function scan(source: number, options: SplitOptions, out: Writer): void {
  const buffer = new Uint8Array(CHUNK + LONGEST_RECORD);
  const separator = options.delimiter.charCodeAt(0);
  let line = 2;
  let fileAt = options.headerBytes;
  let length = 0;
  for (let ended = false; !ended;) {
    const read = readSync(source, buffer, length, buffer.length - length, fileAt + length);
    ended = read === 0;
    length += read;
    let at = 0;
    while (at < length && (ended || length - at > LONGEST_RECORD)) {
      const record = splitOne(buffer, at, length, separator, options.columns);
      const bytes = buffer.subarray(at, record.end);
      if (record.reason === null) {
        const d = options.delimiter;
        if (bytes.length > 0) {
          out.write(`${line}${d}${fileAt + at}${d}${fileAt + record.end}${d}`, bytes);
        }
      } else {
        const raw = looseText.decode(bytes.subarray(0, LONGEST_SHOWN));
        options.onBad({ line, raw, reason: record.reason });
      }
      line += record.lines;
      at = record.next;
    }
    buffer.copyWithin(0, at, length);
    length -= at;
    fileAt += at;
  }
}

interface Split {
  /** Where the record ends, without its line end. */
  end: number;
  next: number;
  lines: number;
  reason: string | null;
}

/** Splits the record at `from`; a bad one ends with its first line. */
function splitOne(
  buffer: Uint8Array,
  from: number,
  to: number,
  separator: number,
  columns: number,
): Split {
  const { at, fields, lines, plain, ...found } = walk(buffer, from, to, separator);
  const end = at > from && buffer[at - 1] === RETURN ? at - 1 : at;
  let { reason } = found;
  if (reason === null && end > from && fields !== columns) {
    reason = `${fields} columns, expected ${columns}`;
  }
  if (reason === null && !plain) reason = checkText(buffer.subarray(from, end));
  if (reason === null) return { end, next: Math.min(at + 1, to), lines, reason };
  return firstLineOnly(buffer, from, to, reason);
}

/** Walks to the end of the record at `from`, counting its fields and lines. */
function walk(buffer: Uint8Array, from: number, to: number, separator: number) {
  const most = Math.min(to, from + LONGEST_RECORD - 2);
  let [fields, lines, quoted, plain, fieldStart, at] = [1, 1, false, true, from, from];
  let reason: string | null = null;
  for (; at < most; at++) {
    const byte = buffer[at]!;
    if (byte >= 0x80 || byte === 0) plain = false;
    if (quoted) {
      if (byte === NEWLINE) lines++;
      if (byte !== QUOTE) continue;
      if (at + 1 < to && buffer[at + 1] === QUOTE) {
        at++;
        continue;
      }
      quoted = false;
      if (at + 1 === to || endsField(buffer[at + 1]!, separator)) continue;
      reason = "text follows a closing quote";
      break;
    }
    if (byte === NEWLINE) break;
    if (byte === separator) {
      fields++;
      fieldStart = at + 1;
    } else if (byte === QUOTE && at === fieldStart) quoted = true;
  }
  if (quoted) reason = "a quote is opened and not closed";
  else if (at === most && at < to) reason = `it is longer than ${LONGEST_RECORD} bytes`;
  return { at, fields, lines, plain, reason };
}

function endsField(byte: number, separator: number): boolean {
  return byte === separator || byte === NEWLINE || byte === RETURN;
}

function checkText(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return "it has zero bytes";
  try {
    strictText.decode(bytes);
    return null;
  } catch {
    return "it is not UTF-8 text";
  }
}

function firstLineOnly(buffer: Uint8Array, from: number, to: number, reason: string): Split {
  const newline = buffer.subarray(0, to).indexOf(NEWLINE, from);
  const at = newline < 0 ? to : newline;
  const end = at > from && buffer[at - 1] === RETURN ? at - 1 : at;
  return { end, next: Math.min(at + 1, to), lines: 1, reason };
}
