import { DisplayError } from "./errors.ts";

/** One row by column name. */
export type Row = Record<string, unknown>;

/** What of a polars DataFrame is used here. */
export interface FrameLike {
  readonly height: number;
  readonly columns: string[];
  readonly dtypes: { toString(): string }[];
  head(count: number): FrameLike;
  select(...columns: string[]): FrameLike;
  toRecords(): Row[];
  writeJSON(options: { format: "json" }): { toString(): string };
}

/** What of an arquero table is used here. */
export interface ArqueroLike {
  numRows(): number;
  columnNames(): string[];
  objects(options: { limit: number }): object[];
}

/** Anything {@link takeRows} can read. */
export type Tabular = FrameLike | ArqueroLike | readonly Row[];

/** The first rows of something tabular. */
export interface TakenRows {
  /** In order of first appearance. */
  columns: string[];
  rows: Row[];
  /** How many there are in all. */
  total: number;
}

/** Types of polars that lose digits, or cannot be handed over, as JavaScript values. */
const INEXACT = /\bU?Int64\b|\bDecimal\b/;

/**
 * Takes the first `limit` rows of a polars frame, an arquero table or an array of objects.
 *
 * @throws {DisplayError} something else was given
 */
export function takeRows(source: Tabular, limit: number): TakenRows {
  if (Array.isArray(source)) {
    const rows = source.slice(0, limit) as Row[];
    return {
      columns: [...new Set(rows.flatMap((row) => Object.keys(row)))],
      rows,
      total: source.length,
    };
  }
  if (isArquero(source)) {
    const rows = source.objects({ limit }) as Row[];
    return { columns: source.columnNames(), rows, total: source.numRows() };
  }
  if (isFrame(source)) {
    const rows = exactRows(source.head(limit));
    return { columns: source.columns, rows, total: source.height };
  }
  throw new DisplayError(
    `A table is made from a polars frame, an arquero table or an array of objects, not from ${
      source === null ? "null" : typeof source
    }.`,
  );
}

/** What of a polars Series is used here. */
export interface SeriesLike {
  readonly dtype: { toString(): string };
  readonly name: string;
  toArray(): unknown[];
  toFrame(): FrameLike;
}

/** Whether a value is a polars Series. */
export function isSeries(value: object): value is SeriesLike {
  return "toArray" in value && "dtype" in value && "toFrame" in value;
}

/** The values of a polars Series, 64-bit integers as exact BigInts, decimals as text. */
export function seriesValues(series: SeriesLike): unknown[] {
  if (!INEXACT.test(String(series.dtype))) return series.toArray();
  return exactRows(series.toFrame()).map((row) => row[series.name]);
}

/**
 * polars hands 64-bit integers over as numbers, which rounds ids, and decimals not at all; its JSON
 * has every digit (of decimals as text), so those columns come from there.
 */
function exactRows(frame: FrameLike): Row[] {
  const inexact = frame.columns.filter((_, i) => INEXACT.test(String(frame.dtypes[i])));
  if (inexact.length === 0) return frame.toRecords();
  const others = frame.columns.filter((name) => !inexact.includes(name));
  const rows = others.length === 0 ? [] : frame.select(...others).toRecords();
  const json = frame.select(...inexact).writeJSON({ format: "json" }).toString();
  const exact = JSON.parse(json, readInteger as (key: string, value: unknown) => unknown) as Row[];
  return exact.map((row, i) => ({ ...rows[i], ...row }));
}

function readInteger(_key: string, value: unknown, context: { source?: string }): unknown {
  return typeof value === "number" && context.source !== undefined ? BigInt(context.source) : value;
}

function isArquero(source: unknown): source is ArqueroLike {
  return typeof source === "object" && source !== null && "columnNames" in source &&
    "objects" in source;
}

function isFrame(source: unknown): source is FrameLike {
  return source !== null && source !== undefined &&
    typeof (source as FrameLike).head === "function" &&
    Array.isArray((source as FrameLike).columns);
}
