import type { Random } from "../random.ts";
import { innerRange, isLog, type NumericDimension, toInner, toValue } from "./space.ts";

/**
 * A Parzen estimator of one dimension (Bergstra et al. 2011): a mixture of a normal around each
 * observed value and a wide one around the middle (the prior), cut off at the range.
 */
export interface Parzen {
  dimension: NumericDimension;
  low: number;
  high: number;
  centres: Float64Array;
  spreads: Float64Array;
}

/** Fits the mixture: each normal is as wide as the larger gap to its neighbours, within limits. */
export function fitParzen(dimension: NumericDimension, values: number[]): Parzen {
  const { low, high } = innerRange(dimension);
  const middle = (low + high) / 2;
  const centres = Float64Array.from([...values.map((v) => toInner(dimension, v)), middle]).sort();
  const prior = centres.indexOf(middle);
  const widest = high - low;
  const narrowest = widest / Math.min(100, 1 + centres.length);
  const spreads = centres.map((centre, i) => {
    if (i === prior) return widest;
    const left = centre - (i > 0 ? centres[i - 1]! : low);
    const right = (i + 1 < centres.length ? centres[i + 1]! : high) - centre;
    return Math.min(widest, Math.max(narrowest, left, right));
  });
  return { dimension, low, high, centres, spreads };
}

/** Draws a value from the mixture. */
export function drawParzen(parzen: Parzen, random: Random): number {
  const { low, high, centres, spreads, dimension } = parzen;
  const at = random.integer(centres.length);
  for (;;) {
    const inner = centres[at]! + spreads[at]! * random.normal();
    if (inner >= low && inner <= high) return toValue(dimension, inner);
  }
}

/** The logarithm of the mixture's density at a value (of its probability where quantised). */
export function logDensity(parzen: Parzen, value: number): number {
  const { low, high, centres, spreads, dimension } = parzen;
  const step = dimension.kind === "quantised" ? dimension.step / 2 : 0;
  const inner = toInner(dimension, value);
  const edge = (at: number) => isLog(dimension) ? Math.log(Math.max(at, 1e-300)) : at;
  let sum = 0;
  for (let i = 0; i < centres.length; i++) {
    const cdf = (x: number) => normalCdf((x - centres[i]!) / spreads[i]!);
    const inside = cdf(high) - cdf(low);
    if (step > 0) {
      const from = Math.max(low, edge(value - step));
      const to = Math.min(high, edge(value + step));
      sum += Math.max(0, cdf(to) - cdf(from)) / inside;
    } else {
      const z = (inner - centres[i]!) / spreads[i]!;
      sum += Math.exp(-z * z / 2) / (spreads[i]! * Math.sqrt(2 * Math.PI)) / inside;
    }
  }
  return Math.log(sum / centres.length + 1e-300);
}

/** The standard normal's distribution function (Abramowitz and Stegun 26.2.17, error below 1e-7). */
function normalCdf(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const tail = Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI) * t *
    (0.319381530 +
      t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return x >= 0 ? 1 - tail : tail;
}
