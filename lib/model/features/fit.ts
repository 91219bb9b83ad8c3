import type { Column, ColumnTable, NumericColumn, TextColumn } from "../columns.ts";
import { ModelError } from "../errors.ts";
import { hashText } from "../random.ts";
import {
  type CategoryFeature,
  type Feature,
  type NumericFeature,
  type Preprocessing,
  type PreprocessingOptions,
  type RelativeFeature,
  type Squeeze,
  squeezed,
} from "./preprocessing.ts";

const PRICE = "price";
const CATEGORY = "category_code";

/**
 * Fits the preprocessing on training rows.
 *
 * @param table training rows, feature columns only (no key, no label)
 * @throws {ModelError} no column carries anything to learn from
 */
export function fitPreprocessing(
  table: ColumnTable,
  options: PreprocessingOptions = {},
): Preprocessing {
  const features: Feature[] = [];
  const dropped: { name: string; reason: string }[] = [];
  const patterns = new Set<number>();
  let dense = 0;
  let slot = 0;
  for (const [name, column] of table.columns) {
    if (column.kind === "text") {
      const reason = textUselessness(column);
      if (reason !== null) {
        dropped.push({ name, reason });
        continue;
      }
      const feature = fitCategory(name, column, slot, options);
      slot += slotCount(feature);
      features.push(feature);
    } else if (column.kind === "time") {
      features.push({ kind: "cyclic", column: name, input: dense });
      dense += 4;
    } else {
      const reason = uselessness(column.values);
      if (reason !== null) dropped.push({ name, reason });
      const feature = fitNumeric(name, column, dense, patterns, options, reason !== null);
      if (feature === null) continue;
      dense += inputsOf(feature);
      features.push(feature);
    }
  }
  const relative = fitRelative(table, dense);
  if (relative !== null) {
    features.push(relative);
    dense++;
  }
  if (dense + slot === 0) {
    const reasons = dropped.map(({ name, reason }) => `${name} ${reason}`).join(", ");
    throw new ModelError(`No column tells rows apart${reasons && ` (${reasons})`}.`);
  }
  const used = new Set(features.map((feature) => feature.column));
  const columns = [...table.columns].filter(([name]) => used.has(name))
    .map(([name, column]) => ({ name, kind: column.kind }));
  return { format: 1, columns, features, dropped, denseWidth: dense, width: dense + slot };
}

/** One-hot slots that a category takes. */
export function slotCount(feature: CategoryFeature): number {
  return 1 + feature.values.length + feature.hashSlots;
}

function inputsOf(feature: NumericFeature): number {
  return 1 + (feature.missingInput === null ? 0 : 1) + Math.max(0, feature.edges.length - 1);
}

function uselessness(values: Float64Array): string | null {
  let first = NaN;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (Number.isNaN(first)) first = value;
    else if (value !== first) return null;
  }
  return Number.isNaN(first) ? "is missing in all rows" : `is ${first} in all rows`;
}

function textUselessness(column: TextColumn): string | null {
  const { codes, dictionary } = column;
  const missing = codes.some((code) => code < 0);
  if (dictionary.length === 0) return "is missing in all rows";
  if (dictionary.length === 1 && !missing) return `is ${dictionary[0]} in all rows`;
  const isName = codes.length >= 100 && dictionary.length > codes.length / 2;
  return isName ? "names single rows" : null;
}

function fitNumeric(
  name: string,
  column: NumericColumn,
  input: number,
  patterns: Set<number>,
  options: PreprocessingOptions,
  constant: boolean,
): NumericFeature | null {
  const pattern = missingPattern(column.values);
  const told = pattern === null || patterns.has(pattern);
  if (constant && (told || isAllMissing(column.values))) return null;
  if (!told) patterns.add(pattern);
  const squeeze = chooseSqueeze(column.values);
  const { mean, scale } = moments(column.values, squeeze);
  const edges = constant ? [] : pieceEdges(column.values, squeeze, options.pieces ?? 0);
  return {
    kind: "numeric",
    column: name,
    squeeze,
    mean,
    scale,
    input,
    missingInput: told ? null : input + 1,
    edges,
    edgesInput: input + (told ? 1 : 2),
  };
}

function isAllMissing(values: Float64Array): boolean {
  return values.every((value) => !Number.isFinite(value));
}

/** A hash of which rows are missing; null when none is. */
function missingPattern(values: Float64Array): number | null {
  let hash = 0x811c9dc5;
  let missing = 0;
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i]!)) continue;
    missing++;
    hash = Math.imul(hash ^ i, 0x01000193) ^ (i >>> 7);
  }
  return missing === 0 ? null : (hash ^ Math.imul(missing, 0x9e3779b1)) >>> 0;
}

function chooseSqueeze(values: Float64Array): Squeeze {
  let lowest = Infinity;
  let highest = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    lowest = Math.min(lowest, value);
    highest = Math.max(highest, value);
  }
  if (highest - lowest <= 2) return "none";
  return lowest >= 0 ? "log1p" : "signedLog";
}

function moments(values: Float64Array, squeeze: Squeeze): { mean: number; scale: number } {
  let count = 0;
  let mean = 0;
  let squares = 0;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    const x = squeezed(squeeze, value);
    const before = x - mean;
    mean += before / ++count;
    squares += before * (x - mean);
  }
  const deviation = count === 0 ? 0 : Math.sqrt(squares / count);
  return { mean, scale: deviation > 1e-12 ? deviation : 1 };
}

function pieceEdges(values: Float64Array, squeeze: Squeeze, pieces: number): number[] {
  if (pieces < 2) return [];
  const sample: number[] = [];
  const step = Math.max(1, Math.floor(values.length / 50_000));
  for (let i = 0; i < values.length; i += step) {
    if (Number.isFinite(values[i]!)) sample.push(squeezed(squeeze, values[i]!));
  }
  if (sample.length === 0) return [];
  const sorted = Float64Array.from(sample).sort();
  const edges = new Set<number>();
  for (let i = 0; i <= pieces; i++) {
    edges.add(sorted[Math.round(i * (sorted.length - 1) / pieces)]!);
  }
  const rising = [...edges].sort((a, b) => a - b);
  return rising.length < 3 ? [] : rising;
}

function fitCategory(
  name: string,
  column: TextColumn,
  slot: number,
  options: PreprocessingOptions,
): CategoryFeature {
  const counts = new Float64Array(column.dictionary.length);
  for (const code of column.codes) if (code >= 0) counts[code]!++;
  const least = Math.min(options.minCategoryRows ?? 50, Math.max(1, column.codes.length / 200));
  const values = column.dictionary.map((value, i) => ({ value, rows: counts[i]! }))
    .filter(({ rows }) => rows >= least)
    .sort((a, b) => b.rows - a.rows || (a.value < b.value ? -1 : 1))
    .slice(0, options.maxCategories ?? 48)
    .map(({ value }) => value);
  const hashSlots = values.length === column.dictionary.length ? 1 : options.hashSlots ?? 8;
  return { kind: "category", column: name, values, hashSlots, slot };
}

/** The slot of a text within its category's slots. */
export function slotOf(
  feature: CategoryFeature,
  positions: Map<string, number>,
  text: string | null | undefined,
): number {
  if (text === null || text === undefined) return 0;
  const position = positions.get(text);
  if (position !== undefined) return 1 + position;
  return 1 + feature.values.length + hashText(text) % feature.hashSlots;
}

function fitRelative(table: ColumnTable, input: number): RelativeFeature | null {
  const price: Column | undefined = table.columns.get(PRICE);
  const category: Column | undefined = table.columns.get(CATEGORY);
  if (price?.kind !== "numeric" || category?.kind !== "text") return null;
  const logs = new Map<number, number[]>();
  const all: number[] = [];
  for (let i = 0; i < table.rows; i++) {
    const value = price.values[i]!;
    if (!(value > 0)) continue;
    const code = category.codes[i]!;
    const log = Math.log(value);
    all.push(log);
    if (code < 0) continue;
    const list = logs.get(code);
    if (list === undefined) logs.set(code, [log]);
    else list.push(log);
  }
  if (all.length === 0) return null;
  const fallback = median(all);
  const centres: Record<string, number> = {};
  for (const [code, list] of logs) {
    if (list.length >= 20) centres[category.dictionary[code]!] = median(list);
  }
  return { kind: "relative", column: PRICE, by: CATEGORY, centres, fallback, scale: 1, input };
}

function median(values: number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(sorted.length / 2)]!;
}
