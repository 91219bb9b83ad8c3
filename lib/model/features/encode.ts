import type { Column, ColumnTable, PlainRow } from "../columns.ts";
import { ModelError } from "../errors.ts";
import { slotOf } from "./fit.ts";
import {
  type CyclicFeature,
  type Encoded,
  type NumericFeature,
  type Preprocessing,
  type RelativeFeature,
  squeezed,
} from "./preprocessing.ts";

/** Seconds. */
const DAY = 86_400;
const LIMIT = 8;

/**
 * Turns a table's columns into network inputs.
 *
 * @throws {ModelError} a column that the model reads is missing or of another kind
 */
export function encodeTable(preprocessing: Preprocessing, table: ColumnTable): Encoded {
  const encoder = encoderOf(preprocessing);
  const columns = encoder.features.map(({ feature }) =>
    columnFor(table, feature.column, kindOf(feature.kind))
  );
  const by = encoder.features.map(({ feature }) =>
    feature.kind === "relative" ? columnFor(table, feature.by, "text") : null
  );
  const encoded = emptyEncoded(preprocessing, table.rows, encoder.categories);
  encoder.features.forEach(({ feature, positions, category }, f) => {
    const column = columns[f]!;
    if (feature.kind === "category" && column.kind === "text") {
      const slots = column.dictionary.map((text) =>
        feature.slot + slotOf(feature, positions, text)
      );
      for (let i = 0; i < table.rows; i++) {
        const code = column.codes[i]!;
        encoded.slots[i * encoded.slotsPerRow + category] = code < 0 ? feature.slot : slots[code]!;
      }
      return;
    }
    if (feature.kind === "category" || column.kind === "text") return;
    const width = encoded.denseWidth;
    const centres = feature.kind === "relative" ? centresOf(feature, by[f]!) : null;
    for (let i = 0; i < table.rows; i++) {
      const value = column.values[i]!;
      if (feature.kind === "numeric") writeNumeric(feature, value, encoded.dense, i * width);
      else if (feature.kind === "cyclic") writeCyclic(feature, value, encoded.dense, i * width);
      else writeRelative(feature, value, centres!(i), encoded.dense, i * width);
    }
  });
  return encoded;
}

/**
 * Turns one plain row into network inputs, by the same rules as {@link encodeTable}.
 *
 * @param into where to write; must be zeros when reused ({@link emptyEncoded} with one row)
 * @throws {ModelError} a value is of a kind that the model cannot read
 */
export function encodeRow(preprocessing: Preprocessing, row: PlainRow): Encoded {
  const encoder = encoderOf(preprocessing);
  const encoded = emptyEncoded(preprocessing, 1, encoder.categories);
  for (const { feature, positions, category } of encoder.features) {
    const raw = row[feature.column];
    if (feature.kind === "category") {
      encoded.slots[category] = feature.slot + slotOf(feature, positions, textOf(raw));
    } else if (feature.kind === "numeric") {
      writeNumeric(feature, numberOf(feature.column, raw), encoded.dense, 0);
    } else if (feature.kind === "cyclic") {
      writeCyclic(feature, microsOf(feature.column, raw), encoded.dense, 0);
    } else {
      const centre = centreOf(feature, textOf(row[feature.by]));
      writeRelative(feature, numberOf(feature.column, raw), centre, encoded.dense, 0);
    }
  }
  return encoded;
}

/** Encodes plain rows: {@link encodeRow} for many. */
export function encodeRows(preprocessing: Preprocessing, rows: PlainRow[]): Encoded {
  const { categories } = encoderOf(preprocessing);
  const all = emptyEncoded(preprocessing, rows.length, categories);
  rows.forEach((row, i) => {
    const one = encodeRow(preprocessing, row);
    all.dense.set(one.dense, i * all.denseWidth);
    all.slots.set(one.slots, i * all.slotsPerRow);
  });
  return all;
}

interface Encoder {
  features: {
    feature: Preprocessing["features"][number];
    positions: Map<string, number>;
    /** Which category of the row this is; -1 for others. */
    category: number;
  }[];
  categories: number;
}

const encoders = new WeakMap<Preprocessing, Encoder>();
const NO_POSITIONS = new Map<string, number>();

function encoderOf(preprocessing: Preprocessing): Encoder {
  const known = encoders.get(preprocessing);
  if (known !== undefined) return known;
  let categories = 0;
  const features = preprocessing.features.map((feature) => ({
    feature,
    positions: feature.kind === "category"
      ? new Map(feature.values.map((value, i) => [value, i]))
      : NO_POSITIONS,
    category: feature.kind === "category" ? categories++ : -1,
  }));
  const encoder = { features, categories };
  encoders.set(preprocessing, encoder);
  return encoder;
}

function emptyEncoded(preprocessing: Preprocessing, rows: number, categories: number): Encoded {
  return {
    rows,
    denseWidth: preprocessing.denseWidth,
    width: preprocessing.width,
    dense: new Float32Array(rows * preprocessing.denseWidth),
    slotsPerRow: categories,
    slots: new Uint16Array(rows * categories),
  };
}

function writeNumeric(feature: NumericFeature, raw: number, out: Float32Array, at: number): void {
  if (!Number.isFinite(raw)) {
    if (feature.missingInput !== null) out[at + feature.missingInput] = 1;
    return;
  }
  const value = squeezed(feature.squeeze, raw);
  out[at + feature.input] = limited((value - feature.mean) / feature.scale);
  const { edges, edgesInput } = feature;
  for (let i = 0; i + 1 < edges.length; i++) {
    const share = (value - edges[i]!) / (edges[i + 1]! - edges[i]!);
    if (share <= 0) return;
    out[at + edgesInput + i] = share < 1 ? share : 1;
  }
}

function writeCyclic(feature: CyclicFeature, micros: number, out: Float32Array, at: number): void {
  if (!Number.isFinite(micros)) return;
  // Whole seconds, as what is served may carry a time in milliseconds only.
  const days = Math.floor(micros / 1e6) / DAY;
  const hour = 2 * Math.PI * (days - Math.floor(days));
  const weekday = 2 * Math.PI * (((Math.floor(days) % 7) + 7) % 7) / 7;
  out[at + feature.input] = Math.sin(hour);
  out[at + feature.input + 1] = Math.cos(hour);
  out[at + feature.input + 2] = Math.sin(weekday);
  out[at + feature.input + 3] = Math.cos(weekday);
}

function writeRelative(
  feature: RelativeFeature,
  value: number,
  centre: number,
  out: Float32Array,
  at: number,
): void {
  if (value > 0) out[at + feature.input] = limited((Math.log(value) - centre) / feature.scale);
}

function centresOf(feature: RelativeFeature, by: Column): (row: number) => number {
  if (by.kind !== "text") return () => feature.fallback;
  const centres = by.dictionary.map((text) => centreOf(feature, text));
  return (row) => by.codes[row]! < 0 ? feature.fallback : centres[by.codes[row]!]!;
}

function centreOf(feature: RelativeFeature, text: string | null): number {
  return text !== null && Object.hasOwn(feature.centres, text)
    ? feature.centres[text]!
    : feature.fallback;
}

function limited(value: number): number {
  return Math.max(-LIMIT, Math.min(LIMIT, value));
}

function kindOf(feature: Preprocessing["features"][number]["kind"]): Column["kind"] {
  return feature === "category" ? "text" : feature === "cyclic" ? "time" : "numeric";
}

function columnFor(table: ColumnTable, name: string, kind: Column["kind"]): Column {
  const column = table.columns.get(name);
  if (column === undefined) {
    throw new ModelError(`The model reads column ${name}, which the rows do not have.`);
  }
  if (column.kind === kind) return column;
  // A column without any value has no type of its own.
  if (column.kind === "numeric" && column.values.every(Number.isNaN)) {
    return kind === "text"
      ? { kind, codes: new Int32Array(table.rows).fill(-1), dictionary: [] }
      : { kind, values: column.values };
  }
  throw new ModelError(`The model reads column ${name} as ${kind}, but it holds ${column.kind}.`);
}

/** A plain value as number: bigint, boolean and number pass, null and undefined are NaN. */
function numberOf(name: string, value: unknown): number {
  if (value === null || value === undefined) return NaN;
  if (typeof value === "number") return value;
  if (typeof value === "bigint" || typeof value === "boolean") return Number(value);
  throw new ModelError(`Feature ${name} must be a number or null; it is a ${typeof value}.`);
}

function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

/** A plain time as microseconds: Date, ISO text, or microseconds as number or bigint. */
function microsOf(name: string, value: unknown): number {
  if (value === null || value === undefined) return NaN;
  if (value instanceof Date) return value.getTime() * 1000;
  if (typeof value === "number" || typeof value === "bigint") return Number(value);
  const millis = typeof value === "string" ? Date.parse(inUtc(value)) : NaN;
  if (Number.isNaN(millis)) {
    throw new ModelError(`Feature ${name} must be a time; it is ${String(value)}.`);
  }
  return millis * 1000;
}

/** ISO text without a zone is UTC here, not the machine's time. */
function inUtc(text: string): string {
  const iso = text.trim().replace(" ", "T");
  return /T.*(Z|[+-]\d\d:?\d\d)$/i.test(iso) || !iso.includes("T") ? iso : `${iso}Z`;
}
