import { averagePrecision, precisionAtK, rocAuc } from "./ranking.ts";
import { balancedAccuracy, matthews } from "./threshold.ts";
import { brier, calibrationError, logLoss } from "./probability.ts";

/** All scores of one set of rows, by one threshold. */
export interface Scores {
  rows: number;
  positives: number;
  averagePrecision: number;
  /** Null when the rows hold one class only. */
  rocAuc: number | null;
  balancedAccuracy: number;
  matthews: number;
  logLoss: number;
  brier: number;
  calibrationError: number;
  /** Share of positives among the 100 highest. */
  precisionAt100: number;
  /** The threshold of balanced accuracy and Matthews. */
  threshold: number;
}

/** Computes every score of probabilities against labels. */
export function scoreSummary(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  threshold: number,
): Scores {
  let positives = 0;
  for (let i = 0; i < labels.length; i++) positives += labels[i]!;
  const auc = rocAuc(labels, probabilities);
  return {
    rows: labels.length,
    positives,
    averagePrecision: averagePrecision(labels, probabilities),
    rocAuc: Number.isNaN(auc) ? null : auc,
    balancedAccuracy: balancedAccuracy(labels, probabilities, threshold),
    matthews: matthews(labels, probabilities, threshold),
    logLoss: logLoss(labels, probabilities),
    brier: brier(labels, probabilities),
    calibrationError: calibrationError(labels, probabilities),
    precisionAt100: precisionAtK(labels, probabilities, 100),
    threshold,
  };
}
