import { type Column, columnsOf, type ColumnTable, takeRows } from "./columns.ts";
import type pl from "nodejs-polars";
import { ModelError } from "./errors.ts";
import type { TrainedModel } from "./model.ts";
import { createRandom, deriveSeed, shuffle } from "./random.ts";
import { scoreTable } from "./score.ts";
import { averagePrecision } from "./scores/ranking.ts";

/** How much a model leans on a group of columns. */
export interface Importance {
  group: string;
  columns: string[];
  /** Fall of average precision when the group's values are shuffled among rows; mean of repeats. */
  fall: number;
  /** Standard deviation over repeats. */
  spread: number;
}

/** Options of {@link permutationImportance}. */
export interface ImportanceOptions {
  /** Columns shuffled together, by name. @default every column alone */
  groups?: Record<string, string[]>;
  /** @default 3 */
  repeats?: number;
  /** Rows used at most, drawn at random. @default 20000 */
  rows?: number;
  /** @default 1 */
  seed?: number;
  /** @default the model's own label */
  label?: string;
}

/**
 * Permutation importance: how far average precision falls when a group of columns is shuffled, most
 * important first. Columns that say the same are best put in one group, as alone neither is missed.
 *
 * @throws {ModelError} a group names a column that the model does not read
 */
export async function permutationImportance(
  model: TrainedModel,
  frame: pl.DataFrame,
  options: ImportanceOptions = {},
): Promise<Importance[]> {
  const { repeats = 3, rows = 20_000, seed = 1 } = options;
  const { table, labels } = await sampled(model, frame, rows, seed, options.label);
  const groups = options.groups ??
    Object.fromEntries(model.features.map((name) => [name, [name]]));
  const whole = averagePrecision(labels, await scoreTable(model, table));
  const found: Importance[] = [];
  for (const [group, columns] of Object.entries(groups)) {
    const missing = columns.find((name) => !model.features.includes(name));
    if (missing !== undefined) {
      throw new ModelError(`Group ${group} names ${missing}, which the model does not read.`);
    }
    const falls: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      const random = createRandom(deriveSeed(seed, `${group} ${repeat}`));
      const order = shuffle(Uint32Array.from({ length: table.rows }, (_, i) => i), random);
      const mixed = takeRows(pick(table, columns), order);
      const columnsMixed = new Map([...table.columns, ...mixed.columns]);
      const scores = await scoreTable(model, { rows: table.rows, columns: columnsMixed });
      falls.push(whole - averagePrecision(labels, scores));
    }
    const fall = mean(falls);
    const spread = Math.sqrt(mean(falls.map((one) => (one - fall) ** 2)));
    found.push({ group, columns, fall, spread });
  }
  return found.sort((a, b) => b.fall - a.fall);
}

/** The mean prediction where one column has one value. */
export interface DependencePoint {
  /** A number, a text, or null for missing. */
  value: number | string | null;
  meanProbability: number;
  /** Share of the rows that have this value (nearest point for numbers). */
  share: number;
}

/** Options of {@link partialDependence}. */
export interface DependenceOptions {
  /** Points of a numeric column, at its quantiles; most frequent values of a text. @default 12 */
  points?: number;
  /** Rows used at most. @default 2000 */
  rows?: number;
  /** @default 1 */
  seed?: number;
}

/**
 * Partial dependence: the mean prediction over rows when one column is set to a value in all of them.
 * Where columns hang together (counts and their ratios) it shows the model, not the world.
 *
 * @throws {ModelError} the model does not read the column, or it is a time
 */
export async function partialDependence(
  model: TrainedModel,
  frame: pl.DataFrame,
  column: string,
  options: DependenceOptions = {},
): Promise<DependencePoint[]> {
  if (!model.features.includes(column)) {
    throw new ModelError(
      `The model does not read ${column}; it reads ${model.features.join(", ")}.`,
    );
  }
  const { points = 12, rows = 2000, seed = 1 } = options;
  const { table } = await sampled(model, frame, rows, seed, undefined);
  const values = table.columns.get(column)!;
  const grid = gridOf(values, points, column);
  const found: DependencePoint[] = [];
  for (const { value, share, filled } of grid) {
    const columns = new Map([...table.columns, [column, filled(table.rows)] as const]);
    const scores = await scoreTable(model, { rows: table.rows, columns });
    found.push({ value, share, meanProbability: mean(scores) });
  }
  return found;
}

interface GridPoint {
  value: number | string | null;
  share: number;
  filled: (rows: number) => Column;
}

function gridOf(column: Column, points: number, name: string): GridPoint[] {
  if (column.kind === "time") throw new ModelError(`Column ${name} is a time; choose another.`);
  if (column.kind === "text") return textGrid(column.codes, column.dictionary, points);
  const known = column.values.filter((value) => !Number.isNaN(value)).sort();
  const cuts = Array.from(
    { length: points },
    (_, i) => known[Math.round(i * (known.length - 1) / (points - 1))]!,
  );
  const distinct = known.length === 0 ? [] : [...new Set(cuts)];
  const near = new Map(distinct.map((cut) => [cut, 0]));
  for (const value of known) {
    const closest = distinct.reduce((a, b) => Math.abs(b - value) < Math.abs(a - value) ? b : a);
    near.set(closest, near.get(closest)! + 1);
  }
  const filled = (value: number) => (rows: number): Column => ({
    kind: "numeric",
    values: new Float64Array(rows).fill(value),
  });
  const share = (count: number) => count / column.values.length;
  const grid: GridPoint[] = distinct.map((value) => ({
    value,
    share: share(near.get(value)!),
    filled: filled(value),
  }));
  const missing = column.values.length - known.length;
  if (missing > 0) grid.push({ value: null, share: share(missing), filled: filled(NaN) });
  return grid;
}

function textGrid(codes: Int32Array, dictionary: string[], points: number): GridPoint[] {
  const counts = new Float64Array(dictionary.length + 1);
  for (const code of codes) counts[code + 1]!++;
  return [...counts.keys()].filter((at) => counts[at]! > 0)
    .sort((a, b) => counts[b]! - counts[a]!).slice(0, points)
    .map((at) => ({
      value: at === 0 ? null : dictionary[at - 1]!,
      share: counts[at]! / codes.length,
      filled: (rows) => ({ kind: "text", codes: new Int32Array(rows).fill(at - 1), dictionary }),
    }));
}

async function sampled(
  model: TrainedModel,
  frame: pl.DataFrame,
  rows: number,
  seed: number,
  label: string | undefined,
): Promise<{ table: ColumnTable; labels: Float64Array }> {
  if (frame.height === 0) throw new ModelError("There are no rows to explain the model on.");
  const kinds = new Map(model.preprocessing?.columns.map(({ name, kind }) => [name, kind]));
  const whole = await columnsOf(frame, model.features, kinds);
  const name = label ?? model.label;
  const column = frame.columns.includes(name)
    ? (await columnsOf(frame, [name])).columns.get(name)!
    : null;
  const order = Uint32Array.from({ length: frame.height }, (_, i) => i);
  const taken = frame.height <= rows
    ? order
    : shuffle(order, createRandom(deriveSeed(seed, "explain"))).slice(0, rows);
  const labels = Float64Array.from(
    taken,
    (at) => column?.kind === "numeric" ? column.values[at]! : 0,
  );
  return { table: takeRows(whole, taken), labels };
}

function pick(table: ColumnTable, names: string[]): ColumnTable {
  return {
    rows: table.rows,
    columns: new Map(names.map((name) => [name, table.columns.get(name)!])),
  };
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}
