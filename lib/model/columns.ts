import type pl from "nodejs-polars";
import { ModelError } from "./errors.ts";

/** Numbers, NaN where missing. Booleans are 0 and 1. */
export interface NumericColumn {
  kind: "numeric";
  values: Float64Array;
}

/** Moments in microseconds since 1970 UTC, NaN where missing. */
export interface TimeColumn {
  kind: "time";
  values: Float64Array;
}

/** Texts as positions in a dictionary, -1 where missing. */
export interface TextColumn {
  kind: "text";
  codes: Int32Array;
  dictionary: string[];
}

/** One column of a table, in arrays that need no object a row. */
export type Column = NumericColumn | TimeColumn | TextColumn;

/** Columns of equal length by name. */
export interface ColumnTable {
  rows: number;
  columns: Map<string, Column>;
}

/** One row as a plain object: numbers, bigints, booleans, texts, Dates or null. */
export type PlainRow = Record<string, unknown>;

/**
 * Takes columns out of a polars frame in bulk. Integers that a double cannot hold are names of
 * something, not amounts, and become text.
 *
 * @param names the columns wanted; all when left out
 * @param kinds what a column must become, where that is known (`text` casts numbers)
 * @throws {ModelError} a column is missing or of a type that is neither number, text, time nor boolean
 */
export async function columnsOf(
  frame: pl.DataFrame,
  names?: string[],
  kinds: Map<string, Column["kind"]> = new Map(),
): Promise<ColumnTable> {
  const { default: polars } = await import("nodejs-polars");
  const wanted = names ?? frame.columns;
  for (const name of wanted) {
    if (!frame.columns.includes(name)) {
      throw new ModelError(`The table has no column ${name}; it has ${frame.columns.join(", ")}.`);
    }
  }
  const columns = wanted.map((name): [string, Column] => [
    name,
    columnOf(polars, frame, name, kinds.get(name)),
  ]);
  return { rows: frame.height, columns: new Map(columns) };
}

/** The numbers of one frame column as Float64Array, NaN where null; times become microseconds. */
export async function numbersOf(frame: pl.DataFrame, name: string): Promise<Float64Array> {
  const column = (await columnsOf(frame, [name])).columns.get(name)!;
  if (column.kind === "text") throw new ModelError(`Column ${name} holds text, not numbers.`);
  return column.values;
}

type Polars = typeof pl;

function columnOf(
  polars: Polars,
  frame: pl.DataFrame,
  name: string,
  kind: Column["kind"] | undefined,
): Column {
  const type = String(frame.getColumn(name).dtype);
  if (/^DataType\((List|Array|Struct|Object|Binary)/.test(type)) throw unusable(name, type);
  if (kind === "text" && /Int|Float|Bool/.test(type)) return textColumn(polars, frame, name);
  if (/String|Utf8|Categorical/.test(type)) return textColumn(polars, frame, name);
  if (/Datetime|Date\b/.test(type)) {
    const micros = polars.col(name).cast(polars.Datetime("us")).cast(polars.Int64);
    return { kind: "time", values: bulk(polars, frame, name, micros) };
  }
  if (/Int|Float|Decimal|Bool|Null/.test(type)) {
    const values = bulk(polars, frame, name, polars.col(name));
    const isName = kind === undefined && /Int64/.test(type) &&
      values.some((value) => Math.abs(value) > Number.MAX_SAFE_INTEGER);
    return isName ? textColumn(polars, frame, name) : { kind: "numeric", values };
  }
  throw unusable(name, type);
}

function unusable(name: string, type: string): ModelError {
  return new ModelError(
    `Column ${name} is of type ${
      type.replace(/DataType\(|\)/g, "")
    }, which no model can use; drop it or cast it first.`,
  );
}

function bulk(polars: Polars, frame: pl.DataFrame, name: string, value: pl.Expr): Float64Array {
  if (frame.height === 0) return new Float64Array(0);
  const filled = value.cast(polars.Float64).fillNull(polars.lit(NaN)).alias(name);
  const values = frame.select(filled).getColumn(name).toTypedArray();
  return values instanceof Float64Array ? values : Float64Array.from(values as ArrayLike<number>);
}

function textColumn(polars: Polars, frame: pl.DataFrame, name: string): TextColumn {
  const texts = frame.select(polars.col(name).cast(polars.Utf8)).getColumn(name).toArray();
  return encodeTexts(texts as (string | null)[]);
}

/** Dictionary codes of texts, in order of first appearance. */
export function encodeTexts(texts: ArrayLike<string | null | undefined>): TextColumn {
  const codes = new Int32Array(texts.length);
  const dictionary: string[] = [];
  const known = new Map<string, number>();
  for (let i = 0; i < texts.length; i++) {
    const text = texts[i];
    if (text === null || text === undefined) {
      codes[i] = -1;
      continue;
    }
    let code = known.get(text);
    if (code === undefined) {
      code = dictionary.length;
      dictionary.push(text);
      known.set(text, code);
    }
    codes[i] = code;
  }
  return { kind: "text", codes, dictionary };
}

/** The rows of a table at `positions`, in that order. */
export function takeRows(table: ColumnTable, positions: ArrayLike<number>): ColumnTable {
  const columns = new Map<string, Column>();
  for (const [name, column] of table.columns) columns.set(name, takeColumn(column, positions));
  return { rows: positions.length, columns };
}

function takeColumn(column: Column, positions: ArrayLike<number>): Column {
  if (column.kind === "text") {
    const codes = new Int32Array(positions.length);
    for (let i = 0; i < positions.length; i++) codes[i] = column.codes[positions[i]!]!;
    return { kind: "text", codes, dictionary: column.dictionary };
  }
  const values = new Float64Array(positions.length);
  for (let i = 0; i < positions.length; i++) values[i] = column.values[positions[i]!]!;
  return { kind: column.kind, values };
}
