import type { Random } from "../random.ts";
import { drawParzen, fitParzen, logDensity } from "./parzen.ts";
import { type Dimension, drawPoint, type Point, type Space } from "./space.ts";

/** A point that was tried, and its loss (lower is better). */
export interface Observation {
  point: Point;
  loss: number;
}

/** How the sampler weighs exploring against what went well. */
export interface TpeOptions {
  /** Points drawn at random before the sampler learns. @default 10 */
  startup?: number;
  /** Share of observations that count as good. @default 0.15 */
  gamma?: number;
  /** Points drawn from the good ones' estimator, of which the most promising is taken. @default 24 */
  candidates?: number;
}

/**
 * The next point to try, by a tree-structured Parzen estimator: values are drawn from where good
 * points are dense, and the one is taken whose density among good points is highest against that
 * among the rest.
 */
export function suggest(
  space: Space,
  observations: Observation[],
  random: Random,
  options: TpeOptions = {},
): Point {
  if (observations.length < (options.startup ?? 10)) return drawPoint(space, random);
  const sorted = [...observations].sort((a, b) => a.loss - b.loss);
  const count = Math.min(25, Math.ceil((options.gamma ?? 0.15) * sorted.length));
  const [good, rest] = [sorted.slice(0, count), sorted.slice(count)];
  return Object.fromEntries(
    Object.entries(space).map(([name, dimension]) => {
      const values = (from: Observation[]) => from.map(({ point }) => point[name]!);
      const rounds = options.candidates ?? 24;
      return [name, suggestValue(dimension, values(good), values(rest), random, rounds)];
    }),
  );
}

function suggestValue(
  dimension: Dimension,
  good: Point[string][],
  rest: Point[string][],
  random: Random,
  candidates: number,
): Point[string] {
  if (dimension.kind === "choice") {
    const [near, far] = [shares(dimension.options, good), shares(dimension.options, rest)];
    return best(
      candidates,
      () => drawShare(near, random),
      (option) => Math.log(near[option]!) - Math.log(far[option]!),
      dimension.options,
    );
  }
  const near = fitParzen(dimension, good as number[]);
  const far = fitParzen(dimension, rest as number[]);
  let value = 0;
  let highest = -Infinity;
  for (let i = 0; i < candidates; i++) {
    const drawn = drawParzen(near, random);
    const gain = logDensity(near, drawn) - logDensity(far, drawn);
    if (gain > highest) [highest, value] = [gain, drawn];
  }
  return value;
}

/** Shares of the options among values, each option counted once more than it occurs. */
function shares(options: Point[string][], values: Point[string][]): number[] {
  const counts = options.map((option) => 1 + values.filter((value) => value === option).length);
  return counts.map((count) => count / (options.length + values.length));
}

function drawShare(weights: number[], random: Random): number {
  let left = random.next();
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i]!;
    if (left < 0) return i;
  }
  return weights.length - 1;
}

function best<T>(rounds: number, draw: () => number, gain: (i: number) => number, of: T[]): T {
  let found = draw();
  for (let i = 1; i < rounds; i++) {
    const drawn = draw();
    if (gain(drawn) > gain(found)) found = drawn;
  }
  return of[found]!;
}
