import type pl from "nodejs-polars";
import { type Column, columnsOf, type ColumnTable, takeRows } from "./columns.ts";
import { ModelError } from "./errors.ts";
import type { PartCounts } from "./model.ts";
import { createRandom, deriveSeed } from "./random.ts";
import { cartGroups, partOfGroups } from "./split.ts";

/** Rows split beforehand; `test` may be left out. */
export interface SplitFrames {
  train: pl.DataFrame;
  validation: pl.DataFrame;
  test?: pl.DataFrame | undefined;
}

/** The rows of one part: feature columns, labels, and the cart of each row. */
export interface Part {
  table: ColumnTable;
  labels: Float32Array;
  /** The cart number of each row, counted within the part; null when rows carry no cart key. */
  carts: Uint32Array | null;
  counts: PartCounts;
}

/** Train, validation and test rows as arrays. */
export interface Parts {
  train: Part;
  validation: Part;
  test: Part | null;
}

/** Which columns are what. */
export interface Roles {
  label: string;
  /** Columns never read as features. */
  keys: readonly string[];
  /** The columns of the cart key, in this order. */
  cartKeys: readonly string[];
  /** Further columns to leave out. */
  drop: readonly string[];
}

/** Takes the parts out of frames already split, or splits one frame by cart. */
export async function partsOf(
  rows: pl.DataFrame | SplitFrames,
  roles: Roles,
  seed: number,
): Promise<Parts> {
  if (!("train" in rows)) return await splitParts(rows, roles, seed);
  return {
    train: await wholePart(rows.train, roles),
    validation: await wholePart(rows.validation, roles),
    test: rows.test === undefined ? null : await wholePart(rows.test, roles),
  };
}

/** A part of at most `limit` rows: whole carts (or rows without a key) left out at random. */
export function thinned(part: Part, limit: number, seed: number): Part {
  if (part.labels.length <= limit) return part;
  const random = createRandom(deriveSeed(seed, "thin"));
  const share = limit / part.labels.length;
  const carts = part.carts ?? Uint32Array.from(part.labels, (_, i) => i);
  const kept = new Uint8Array(carts.reduce((highest, cart) => Math.max(highest, cart), 0) + 1);
  for (let i = 0; i < kept.length; i++) kept[i] = random.next() < share ? 1 : 0;
  const positions: number[] = [];
  carts.forEach((cart, i) => kept[cart] === 1 && positions.push(i));
  return takePart(part, Uint32Array.from(positions));
}

/** Rows of a part at positions. */
export function takePart(part: Part, positions: Uint32Array): Part {
  const labels = Float32Array.from(positions, (at) => part.labels[at]!);
  const carts = part.carts === null ? null : Uint32Array.from(positions, (at) => part.carts![at]!);
  return { table: takeRows(part.table, positions), labels, carts, counts: counted(labels, carts) };
}

async function wholePart(frame: pl.DataFrame, roles: Roles): Promise<Part> {
  const labels = labelsOf(await columnsOf(frame, [roles.label]), roles.label);
  const keyed = roles.cartKeys.length > 0 && roles.cartKeys.every((k) => frame.columns.includes(k));
  const carts = keyed ? (await cartGroups(frame, roles.cartKeys)).group : null;
  const table = await columnsOf(frame, featureNames(frame, roles));
  return { table, labels, carts, counts: counted(labels, carts) };
}

async function splitParts(frame: pl.DataFrame, roles: Roles, seed: number): Promise<Parts> {
  if (roles.cartKeys.length === 0) {
    throw new ModelError("Rows without a cart key must be given already split.");
  }
  const { groups, group } = await cartGroups(frame, roles.cartKeys);
  const partOf = partOfGroups(groups, { seed });
  const whole = await wholePart(frame, roles);
  const positions: number[][] = [[], [], []];
  group.forEach((cart, i) => positions[partOf[cart]!]!.push(i));
  const [train, validation, test] = positions.map((at) => takePart(whole, Uint32Array.from(at)));
  return { train: train!, validation: validation!, test: test! };
}

function featureNames(frame: pl.DataFrame, roles: Roles): string[] {
  const others = new Set([...roles.keys, ...roles.cartKeys, ...roles.drop, roles.label]);
  return frame.columns.filter((name) => !others.has(name));
}

function labelsOf(table: ColumnTable, name: string): Float32Array {
  const column: Column = table.columns.get(name)!;
  if (column.kind !== "numeric") {
    throw new ModelError(`The label ${name} must be 0 or 1 in every row; it holds ${column.kind}.`);
  }
  const wrong = column.values.findIndex((value) => value !== 0 && value !== 1);
  if (wrong >= 0) {
    const value = column.values[wrong]!;
    throw new ModelError(
      `The label ${name} of row ${wrong} is ${Number.isNaN(value) ? "missing" : value}; ` +
        "every row needs 0 or 1.",
    );
  }
  return Float32Array.from(column.values);
}

function counted(labels: Float32Array, carts: Uint32Array | null): PartCounts {
  let positives = 0;
  for (const label of labels) positives += label;
  return { rows: labels.length, positives, carts: carts === null ? null : new Set(carts).size };
}
