import type { AddFile } from "./actions.ts";
import { parseExact, rawNumber, stringifyExact } from "./exactJson.ts";
import type { Field } from "./schema.ts";

/** A value as statistics hold it: integers beyond 2^53 as bigint, dates and times as text. */
export type StatValue = number | bigint | string;

/** What the log says of a data file's rows. Every part may be missing. */
export interface FileStats {
  numRecords?: number;
  minValues?: Record<string, StatValue>;
  maxValues?: Record<string, StatValue>;
  nullCount?: Record<string, number>;
}

/** What DuckDB says of a column that it wrote. */
export interface WrittenColumn {
  min?: string;
  max?: string;
  null_count?: string;
  has_nan?: string;
}

const parsed = new WeakMap<AddFile, FileStats>();

/** The statistics of a data file; empty when the log has none. Parsed once. */
export function statsOf(file: AddFile): FileStats {
  let stats = parsed.get(file);
  if (stats === undefined) {
    stats = readStats(file.stats);
    parsed.set(file, stats);
  }
  return stats;
}

function readStats(text: string | undefined): FileStats {
  if (text === undefined || text === "") return {};
  try {
    return parseExact(text) as FileStats;
  } catch {
    return {}; // Statistics only save work: a file without them is always read.
  }
}

const LONGEST_TEXT = 32;
const LAST_CHARACTER = "\u{10FFFF}";

/** The log's statistics text from what DuckDB reports of a written file. */
export function statsText(
  rows: number,
  fields: readonly Field[],
  written: ReadonlyMap<string, WrittenColumn>,
): string {
  const minValues: Record<string, unknown> = {};
  const maxValues: Record<string, unknown> = {};
  const nullCount: Record<string, number> = {};
  for (const field of fields) {
    const column = written.get(field.name);
    if (column?.null_count === undefined) continue;
    nullCount[field.name] = Number(column.null_count);
    if (column.min === undefined || column.max === undefined || column.has_nan === "true") continue;
    const least = statLiteral(field.type, column.min, "min");
    const greatest = statLiteral(field.type, column.max, "max");
    if (least === undefined || greatest === undefined) continue;
    minValues[field.name] = least;
    maxValues[field.name] = greatest;
  }
  return stringifyExact({ numRecords: rows, minValues, maxValues, nullCount });
}

function statLiteral(type: unknown, text: string, end: "min" | "max"): unknown {
  if (typeof type !== "string") return undefined;
  switch (type) {
    case "long":
    case "integer":
    case "short":
    case "byte":
      return rawNumber(text);
    case "double":
    case "float":
      return Number.isFinite(Number(text)) ? rawNumber(String(Number(text))) : undefined;
    case "string":
      return shortText(text, end);
    case "timestamp":
      return isoTime(text, "Z");
    case "timestamp_ntz":
      return isoTime(text, "");
    case "date":
      return /^\d{4}-\d\d-\d\d$/.test(text) ? text : undefined;
    default:
      return type.startsWith("decimal") ? rawNumber(text) : undefined;
  }
}

/** Texts are cut, the greater one being made greater, so that the log stays small. */
function shortText(text: string, end: "min" | "max"): string {
  const characters = Array.from(text.slice(0, 2 * LONGEST_TEXT + 2));
  if (characters.length <= LONGEST_TEXT) return text;
  const cut = characters.slice(0, LONGEST_TEXT).join("");
  return end === "min" ? cut : cut + LAST_CHARACTER;
}

/** `2020-01-01 00:00:00.5+00` as `2020-01-01T00:00:00.500000Z`; undefined for far or infinite times. */
function isoTime(text: string, zone: string): string | undefined {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:\+00)?$/.exec(text);
  if (match === null) return undefined;
  return `${match[1]}T${match[2]}.${(match[3] ?? "").padEnd(6, "0")}${zone}`;
}

const SURROGATE = /[\ud800-\udfff]/;

/** Whether one value is less than another; texts compare as the engine orders them, by bytes. */
export function isLess(a: StatValue, b: StatValue): boolean {
  if (typeof a !== "string" || typeof b !== "string") return a < b;
  // Only beyond the basic plane do bytes and JavaScript's units order differently.
  if (!SURROGATE.test(a) && !SURROGATE.test(b)) return a < b;
  const [left, right] = [new TextEncoder().encode(a), new TextEncoder().encode(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] !== right[i]) return left[i]! < right[i]!;
  }
  return left.length < right.length;
}
