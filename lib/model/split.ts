import { hash } from "node:crypto";
import type pl from "nodejs-polars";
import { numbersOf } from "./columns.ts";
import { ModelError } from "./errors.ts";

/** Which columns make a cart: rows of one cart always share a part. */
export const CART_KEYS: readonly string[] = ["user_id", "user_session"];

/** Options of {@link splitByCart}. */
export interface CartSplitOptions {
  /** Another seed gives another split. @default 1 */
  seed?: number;
  /** Shares of train, validation and test; they add up to 1. @default [0.8, 0.1, 0.1] */
  shares?: [number, number, number];
  /** The columns of the cart key. @default user_id and user_session */
  keys?: readonly string[];
}

/** Rows of one frame in three parts that share no cart. */
export interface CartSplit {
  train: pl.DataFrame;
  validation: pl.DataFrame;
  test: pl.DataFrame;
  /** Number of carts in each part. */
  carts: { train: number; validation: number; test: number };
}

/**
 * Splits rows by cart. The part of a cart follows from the md5 of `seed|key|key…` alone (a null
 * key part is empty), so other tools and other runs place it alike: see {@link cartShareSql}.
 *
 * @throws {ModelError} shares do not add up to 1, or a key column is missing
 */
export async function splitByCart(
  frame: pl.DataFrame,
  options: CartSplitOptions = {},
): Promise<CartSplit> {
  const { groups, group } = await cartGroups(frame, options.keys ?? CART_KEYS);
  const parts = partOfGroups(groups, options);
  const counts = [0, 0, 0];
  for (const part of parts) counts[part]!++;
  const { default: polars } = await import("nodejs-polars");
  const column = Float64Array.from(group, (g) => parts[g]!);
  const marked = frame.withColumns(polars.Series(PART, column, polars.Float64));
  const take = (part: number) => marked.filter(polars.col(PART).eq(polars.lit(part))).drop(PART);
  return {
    train: take(0),
    validation: take(1),
    test: take(2),
    carts: { train: counts[0]!, validation: counts[1]!, test: counts[2]! },
  };
}

const PART = "__part__";

/** The part (0 train, 1 validation, 2 test) of each cart key. */
export function partOfGroups(groups: string[], options: CartSplitOptions = {}): Uint8Array {
  const shares = options.shares ?? [0.8, 0.1, 0.1];
  const sum = shares[0] + shares[1] + shares[2];
  if (Math.abs(sum - 1) > 1e-9 || shares.some((share) => share < 0)) {
    throw new ModelError(
      `The shares of a split must add up to 1; ${shares.join(" + ")} is ${sum}.`,
    );
  }
  const seed = options.seed ?? 1;
  return Uint8Array.from(groups, (key) => {
    const share = cartShare(seed, key);
    return share < shares[0] ? 0 : share < shares[0] + shares[1] ? 1 : 2;
  });
}

/** The place of a cart in [0, 1): the first 32 bits of md5(`seed|key`) over 2^32. */
export function cartShare(seed: number, key: string): number {
  return parseInt(hash("md5", `${seed}|${key}`, "hex").slice(0, 8), 16) / 4294967296;
}

/** {@link cartShare} as a DuckDB expression, for exports and checks in SQL. */
export function cartShareSql(seed: number, keys: readonly string[] = CART_KEYS): string {
  const parts = keys.map((key) => `coalesce(CAST("${key}" AS VARCHAR), '')`).join(", ");
  return `CAST(concat('0x', substr(md5(concat_ws('|', '${seed}', ${parts})), 1, 8)) AS UBIGINT)` +
    ` / 4294967296.0`;
}

/** Rows numbered by group, and the key text of each group in order of first appearance. */
export interface Groups {
  groups: string[];
  /** The group of each row. */
  group: Uint32Array;
}

/** Groups the rows of a frame by key columns (texts joined by `|`, null as empty). */
export async function cartGroups(frame: pl.DataFrame, keys: readonly string[]): Promise<Groups> {
  for (const key of keys) {
    if (!frame.columns.includes(key)) throw new ModelError(`The rows have no key column ${key}.`);
  }
  const { default: polars } = await import("nodejs-polars");
  const parts = keys.map((key) => polars.col(key).cast(polars.Utf8).fillNull(polars.lit("")));
  const texts = frame.select(polars.concatString(parts, "|").alias("key")).getColumn("key")
    .toArray() as string[];
  const group = new Uint32Array(texts.length);
  const known = new Map<string, number>();
  const groups: string[] = [];
  for (let i = 0; i < texts.length; i++) {
    let at = known.get(texts[i]!);
    if (at === undefined) {
      at = groups.push(texts[i]!) - 1;
      known.set(texts[i]!, at);
    }
    group[i] = at;
  }
  return { groups, group };
}

/** Options of {@link splitByTime}. */
export interface TimeSplitOptions {
  /** The boundary: carts that end before it are earlier, carts that start at or after it later. */
  boundary: Date;
  /** @default event_time */
  time?: string;
  /** The columns of the cart key. @default user_id and user_session */
  keys?: readonly string[];
}

/** Rows before and after a moment. */
export interface TimeSplit {
  earlier: pl.DataFrame;
  later: pl.DataFrame;
  carts: { earlier: number; later: number; straddling: number };
  /** Rows of carts that straddle the boundary, in neither part. */
  leftOut: number;
}

/** Splits rows by the period of their cart's first event; carts that straddle it are left out. */
export async function splitByTime(
  frame: pl.DataFrame,
  options: TimeSplitOptions,
): Promise<TimeSplit> {
  const { groups, group } = await cartGroups(frame, options.keys ?? CART_KEYS);
  const times = await numbersOf(frame, options.time ?? "event_time");
  const boundary = options.boundary.getTime() * 1000;
  const first = new Float64Array(groups.length).fill(Infinity);
  const last = new Float64Array(groups.length).fill(-Infinity);
  for (let i = 0; i < times.length; i++) {
    const cart = group[i]!;
    first[cart] = Math.min(first[cart]!, times[i]!);
    last[cart] = Math.max(last[cart]!, times[i]!);
  }
  const parts = Float64Array.from(
    first,
    (at, i) => at >= boundary ? 1 : last[i]! < boundary ? 0 : 2,
  );
  const counts = [0, 0, 0];
  for (const part of parts) counts[part]!++;
  const { default: polars } = await import("nodejs-polars");
  const column = Float64Array.from(group, (cart) => parts[cart]!);
  const marked = frame.withColumns(polars.Series(PART, column, polars.Float64));
  const take = (part: number) => marked.filter(polars.col(PART).eq(polars.lit(part))).drop(PART);
  const [earlier, later] = [take(0), take(1)];
  return {
    earlier,
    later,
    carts: { earlier: counts[0]!, later: counts[1]!, straddling: counts[2]! },
    leftOut: frame.height - earlier.height - later.height,
  };
}
