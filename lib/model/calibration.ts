import { fitLogisticLine } from "./logistic_line.ts";
import { sigmoid } from "./network/network.ts";

/** From log odds to probabilities: nothing, a line in log odds (Platt), or steps (isotonic). */
export type Calibration =
  | { kind: "none" }
  | { kind: "platt"; slope: number; intercept: number }
  | { kind: "isotonic"; logits: number[]; probabilities: number[] };

/** The calibrated probability of a log odds. */
export function calibrated(calibration: Calibration, logit: number): number {
  if (calibration.kind === "none") return sigmoid(logit);
  if (calibration.kind === "platt") {
    return sigmoid(calibration.slope * logit + calibration.intercept);
  }
  return interpolated(calibration.logits, calibration.probabilities, logit);
}

/**
 * Fits Platt's line `p = sigmoid(slope x logit + intercept)` to Platt's smoothed targets. One class
 * only: no calibration.
 */
export function fitPlatt(labels: ArrayLike<number>, logits: ArrayLike<number>): Calibration {
  let positives = 0;
  for (let i = 0; i < labels.length; i++) positives += labels[i]!;
  const negatives = labels.length - positives;
  if (positives === 0 || negatives === 0) return { kind: "none" };
  const high = (positives + 1) / (positives + 2);
  const low = 1 / (negatives + 2);
  const targets = Float64Array.from(labels, (label) => label === 1 ? high : low);
  const { slope, intercept } = fitLogisticLine({ xs: logits, targets }, { slope: 1, intercept: 0 });
  const usable = Number.isFinite(slope) && Number.isFinite(intercept) && slope > 0;
  return usable ? { kind: "platt", slope, intercept } : { kind: "none" };
}

/**
 * Fits rising steps by pooling adjacent violators, weighted by rows; between the steps' mean log odds
 * probabilities are interpolated. One class only: no calibration.
 */
export function fitIsotonic(labels: ArrayLike<number>, logits: ArrayLike<number>): Calibration {
  const order = Uint32Array.from({ length: labels.length }, (_, i) => i)
    .sort((a, b) => logits[a]! - logits[b]! || a - b);
  const pools: Pool[] = [];
  for (let i = 0; i < order.length;) {
    const logit = logits[order[i]!]!;
    let pool: Pool = { rows: 0, positives: 0, logitSum: 0 };
    for (; i < order.length && logits[order[i]!] === logit; i++) {
      pool.rows++;
      pool.positives += labels[order[i]!]!;
      pool.logitSum += logit;
    }
    while (pools.length > 0 && rateOf(pools[pools.length - 1]!) >= rateOf(pool)) {
      pool = merged(pools.pop()!, pool);
    }
    pools.push(pool);
  }
  const positives = pools.reduce((sum, pool) => sum + pool.positives, 0);
  if (positives === 0 || positives === labels.length) return { kind: "none" };
  return {
    kind: "isotonic",
    logits: pools.map(({ logitSum, rows }) => logitSum / rows),
    probabilities: pools.map(rateOf),
  };
}

interface Pool {
  rows: number;
  positives: number;
  logitSum: number;
}

function rateOf(pool: Pool): number {
  return pool.positives / pool.rows;
}

function merged(a: Pool, b: Pool): Pool {
  return {
    rows: a.rows + b.rows,
    positives: a.positives + b.positives,
    logitSum: a.logitSum + b.logitSum,
  };
}

function interpolated(xs: number[], ys: number[], x: number): number {
  let low = 0;
  let high = xs.length - 1;
  if (x <= xs[low]!) return ys[low]!;
  if (x >= xs[high]!) return ys[high]!;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle]! <= x) low = middle;
    else high = middle;
  }
  const span = xs[high]! - xs[low]!;
  if (span === 0) return ys[low]!;
  // Rounding must not carry it past the step's end: that would be a probability above 1.
  return Math.min(ys[high]!, ys[low]! + (ys[high]! - ys[low]!) * (x - xs[low]!) / span);
}
