import { ModelError } from "../errors.ts";
import type { Random } from "../random.ts";

/** One parameter that a study varies. */
export type Dimension =
  /** Any number between, all alike likely. */
  | { kind: "uniform"; low: number; high: number }
  /** Any number between, its logarithm uniform. */
  | { kind: "logUniform"; low: number; high: number }
  /** `low`, `low + step`, … `high`; with `log` small values are likelier, as by their logarithm. */
  | { kind: "quantised"; low: number; high: number; step: number; log?: boolean }
  /** One of some values without an order. */
  | { kind: "choice"; options: (string | number | boolean)[] };

/** Parameters by name. */
export type Space = Record<string, Dimension>;

/** One value for each parameter of a space. */
export type Point = Record<string, string | number | boolean>;

/**
 * Checks that every dimension can be drawn from.
 *
 * @throws {ModelError} names the parameter and what is wrong
 */
export function checkSpace(space: Space): void {
  if (Object.keys(space).length === 0) throw new ModelError("A search space needs a parameter.");
  for (const [name, dimension] of Object.entries(space)) {
    const wrong = dimension.kind === "choice"
      ? dimension.options.length === 0
      : !(dimension.low < dimension.high) ||
        (isLog(dimension) && dimension.low <= 0) ||
        (dimension.kind === "quantised" && !(dimension.step > 0));
    if (wrong) {
      throw new ModelError(
        `Parameter ${name} cannot be drawn: it needs options, or low < high ` +
          "(above 0 for a logarithm) and a step above 0.",
      );
    }
  }
}

/** Draws every parameter of a space on its own, without learning. */
export function drawPoint(space: Space, random: Random): Point {
  return Object.fromEntries(
    Object.entries(space).map(([name, dimension]) => [name, drawValue(dimension, random)]),
  );
}

function drawValue(dimension: Dimension, random: Random): Point[string] {
  if (dimension.kind === "choice") {
    return dimension.options[random.integer(dimension.options.length)]!;
  }
  const { low, high } = innerRange(dimension);
  return toValue(dimension, low + random.next() * (high - low));
}

/** A dimension of numbers. */
export type NumericDimension = Exclude<Dimension, { kind: "choice" }>;

/** Whether a dimension is searched by its logarithm. */
export function isLog(dimension: NumericDimension): boolean {
  return dimension.kind === "logUniform" || (dimension.kind === "quantised" && !!dimension.log);
}

/** The range that is searched: logarithms where asked for, half a step wider where quantised. */
export function innerRange(dimension: NumericDimension): { low: number; high: number } {
  const half = dimension.kind === "quantised" ? dimension.step / 2 : 0;
  const [low, high] = [dimension.low - half, dimension.high + half];
  if (!isLog(dimension)) return { low, high };
  return { low: Math.log(Math.max(low, dimension.low / 2)), high: Math.log(high) };
}

/** The place of a value in the searched range. */
export function toInner(dimension: NumericDimension, value: number): number {
  return isLog(dimension) ? Math.log(value) : value;
}

/** The value at a place in the searched range. */
export function toValue(dimension: NumericDimension, inner: number): number {
  const raw = isLog(dimension) ? Math.exp(inner) : inner;
  const value = dimension.kind === "quantised"
    ? dimension.low + Math.round((raw - dimension.low) / dimension.step) * dimension.step
    : raw;
  return Math.min(dimension.high, Math.max(dimension.low, value));
}
