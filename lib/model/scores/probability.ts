import { ModelError } from "../errors.ts";
import { checkInput, type ScoreOptions } from "./input.ts";

/** Probabilities are kept this far from 0 and 1 in the log loss (double's machine epsilon). */
const EPSILON = 2 ** -52;

/** Mean negative log likelihood of the labels, in nats. */
export function logLoss(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  options: ScoreOptions = {},
): number {
  return weightedMean(labels, probabilities, options, (label, p) => {
    const kept = Math.min(1 - EPSILON, Math.max(EPSILON, p));
    return -Math.log(label === 1 ? kept : 1 - kept);
  });
}

/** Mean squared difference of probability and label (Brier score). */
export function brier(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  options: ScoreOptions = {},
): number {
  return weightedMean(labels, probabilities, options, (label, p) => (p - label) ** 2);
}

/** One bin of the calibration curve. */
export interface CalibrationBin {
  rows: number;
  meanPredicted: number;
  /** Share of positives. */
  observed: number;
}

/**
 * Mean probability and share of positives in bins.
 *
 * @param options.bins number of bins @default 10
 * @param options.strategy `uniform` cuts [0, 1] evenly; `quantile` gives bins of equal row counts
 */
export function calibrationCurve(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  options: { bins?: number; strategy?: "uniform" | "quantile" } = {},
): CalibrationBin[] {
  checkProbabilities(labels, probabilities);
  const bins = options.bins ?? 10;
  const binOf = options.strategy === "quantile"
    ? quantileBins(probabilities, bins)
    : (i: number) => Math.min(bins - 1, Math.floor(probabilities[i]! * bins));
  const counted = Array.from({ length: bins }, () => ({ rows: 0, sum: 0, positives: 0 }));
  for (let i = 0; i < labels.length; i++) {
    const bin = counted[binOf(i)]!;
    bin.rows++;
    bin.sum += probabilities[i]!;
    bin.positives += labels[i]!;
  }
  return counted.filter(({ rows }) => rows > 0).map(({ rows, sum, positives }) => ({
    rows,
    meanPredicted: sum / rows,
    observed: positives / rows,
  }));
}

/**
 * Expected calibration error: the mean over bins of |mean probability - share of positives|,
 * weighted by rows. Bins of equal row counts by default, as purchases are rare.
 */
export function calibrationError(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  options: { bins?: number; strategy?: "uniform" | "quantile" } = {},
): number {
  const bins = calibrationCurve(labels, probabilities, { strategy: "quantile", ...options });
  let sum = 0;
  for (const bin of bins) sum += bin.rows * Math.abs(bin.meanPredicted - bin.observed);
  return sum / labels.length;
}

function quantileBins(probabilities: ArrayLike<number>, bins: number): (row: number) => number {
  const order = new Uint32Array(probabilities.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  order.sort((a, b) => probabilities[a]! - probabilities[b]! || a - b);
  const binOf = new Uint32Array(order.length);
  for (let rank = 0; rank < order.length; rank++) {
    binOf[order[rank]!] = Math.floor(rank * bins / order.length);
  }
  return (row) => binOf[row]!;
}

function weightedMean(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  options: ScoreOptions,
  loss: (label: number, probability: number) => number,
): number {
  checkProbabilities(labels, probabilities);
  let sum = 0;
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    const weight = options.weights === undefined ? 1 : options.weights[i]!;
    sum += weight * loss(labels[i]!, probabilities[i]!);
    total += weight;
  }
  return sum / total;
}

function checkProbabilities(labels: ArrayLike<number>, probabilities: ArrayLike<number>): void {
  checkInput(labels, probabilities);
  for (let i = 0; i < probabilities.length; i++) {
    if (probabilities[i]! < 0 || probabilities[i]! > 1) {
      throw new ModelError(`The probability of row ${i} is ${probabilities[i]}, outside 0 to 1.`);
    }
  }
}
