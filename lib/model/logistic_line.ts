import { sigmoid } from "./network/network.ts";

/** A line in log odds: `p = sigmoid(offset + slope x + intercept)`. */
export interface LogisticLine {
  slope: number;
  intercept: number;
}

/** A fitted line, with how sure its slope is. */
export interface FittedLine extends LogisticLine {
  /** Variance of the slope; infinite where the rows do not tell it. */
  slopeVariance: number;
}

/** Rows that a line is fitted to. */
export interface LineRows {
  xs: ArrayLike<number>;
  /** 0 to 1: what came of each row. */
  targets: ArrayLike<number>;
  /** Log odds that are known beside the line. @default 0 */
  offsets?: ArrayLike<number>;
}

/** Keeps the curvature above zero where all rows are alike. */
const RIDGE = 1e-9;

/**
 * Fits a line by Newton steps on the log loss. A step that raises the loss is halved, as whole ones
 * can run away from log odds that are far off.
 *
 * @param start where the search begins
 */
export function fitLogisticLine(rows: LineRows, start: LogisticLine): FittedLine {
  let { slope, intercept } = start;
  let loss = lossOf(rows, start);
  let slopeVariance = Infinity;
  for (let round = 0; round < 50; round++) {
    const { a, b, aa, ab, bb } = derivativesAt(rows, slope, intercept);
    const determinant = aa * bb - ab * ab;
    if (!(determinant > 1e-12)) break;
    slopeVariance = bb / determinant;
    let stepSlope = (bb * a - ab * b) / determinant;
    let stepIntercept = (aa * b - ab * a) / determinant;
    const next = () => ({ slope: slope - stepSlope, intercept: intercept - stepIntercept });
    let nextLoss = lossOf(rows, next());
    for (let halvings = 0; !(nextLoss <= loss) && halvings < 40; halvings++) {
      stepSlope /= 2;
      stepIntercept /= 2;
      nextLoss = lossOf(rows, next());
    }
    if (!(nextLoss <= loss)) break;
    ({ slope, intercept } = next());
    loss = nextLoss;
    if (Math.abs(stepSlope) + Math.abs(stepIntercept) < 1e-9) break;
  }
  return { slope, intercept, slopeVariance };
}

function lossOf({ xs, targets, offsets }: LineRows, { slope, intercept }: LogisticLine): number {
  let loss = 0;
  for (let i = 0; i < xs.length; i++) {
    const logit = (offsets?.[i] ?? 0) + slope * xs[i]! + intercept;
    loss += Math.max(logit, 0) + Math.log1p(Math.exp(-Math.abs(logit))) - targets[i]! * logit;
  }
  return loss;
}

/** First and second derivatives of the log loss by slope (a) and intercept (b). */
function derivativesAt({ xs, targets, offsets }: LineRows, slope: number, intercept: number) {
  let a = 0, b = 0, aa = RIDGE, ab = 0, bb = RIDGE;
  for (let i = 0; i < xs.length; i++) {
    const x = xs[i]!;
    const p = sigmoid((offsets?.[i] ?? 0) + slope * x + intercept);
    const wrong = p - targets[i]!;
    const curve = p * (1 - p);
    a += wrong * x;
    b += wrong;
    aa += curve * x * x;
    ab += curve * x;
    bb += curve;
  }
  return { a, b, aa, ab, bb };
}
