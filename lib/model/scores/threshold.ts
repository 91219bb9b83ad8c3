import { rankingCurve } from "./ranking.ts";
import { checkInput, type ScoreOptions } from "./input.ts";

/** Weights of the four outcomes when scores at or above a threshold mean "will buy". */
export interface Confusion {
  truePositive: number;
  falsePositive: number;
  trueNegative: number;
  falseNegative: number;
}

/** Counts the outcomes at a threshold (a score equal to it counts as positive). */
export function confusion(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  threshold: number,
  options: ScoreOptions = {},
): Confusion {
  checkInput(labels, scores);
  const counts = { truePositive: 0, falsePositive: 0, trueNegative: 0, falseNegative: 0 };
  for (let i = 0; i < labels.length; i++) {
    const weight = options.weights === undefined ? 1 : options.weights[i]!;
    if (scores[i]! >= threshold) {
      counts[labels[i] === 1 ? "truePositive" : "falsePositive"] += weight;
    } else counts[labels[i] === 1 ? "falseNegative" : "trueNegative"] += weight;
  }
  return counts;
}

/** Mean recall of the classes that occur. */
export function balancedAccuracy(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  threshold: number,
  options: ScoreOptions = {},
): number {
  return balancedAccuracyOf(confusion(labels, scores, threshold, options));
}

/** Matthews correlation coefficient, -1 to 1; 0 where it is not defined (one class only). */
export function matthews(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  threshold: number,
  options: ScoreOptions = {},
): number {
  return matthewsOf(confusion(labels, scores, threshold, options));
}

/** The threshold with the highest Matthews coefficient; choose it on validation rows only. */
export function bestThreshold(labels: ArrayLike<number>, scores: ArrayLike<number>): number {
  const curve = rankingCurve(labels, scores);
  const last = curve.thresholds.length - 1;
  let best = curve.thresholds[0]!;
  let highest = -Infinity;
  for (let i = 0; i <= last; i++) {
    const value = matthewsOf({
      truePositive: curve.truePositives[i]!,
      falsePositive: curve.falsePositives[i]!,
      falseNegative: curve.truePositives[last]! - curve.truePositives[i]!,
      trueNegative: curve.falsePositives[last]! - curve.falsePositives[i]!,
    });
    if (value > highest) {
      highest = value;
      best = curve.thresholds[i]!;
    }
  }
  return best;
}

function balancedAccuracyOf(counts: Confusion): number {
  const positives = counts.truePositive + counts.falseNegative;
  const negatives = counts.trueNegative + counts.falsePositive;
  if (positives === 0) return counts.trueNegative / negatives;
  if (negatives === 0) return counts.truePositive / positives;
  return (counts.truePositive / positives + counts.trueNegative / negatives) / 2;
}

function matthewsOf(counts: Confusion): number {
  const { truePositive, falsePositive, trueNegative, falseNegative } = counts;
  const below = Math.sqrt(truePositive + falsePositive) * Math.sqrt(truePositive + falseNegative) *
    Math.sqrt(trueNegative + falsePositive) * Math.sqrt(trueNegative + falseNegative);
  if (below === 0) return 0;
  return (truePositive * trueNegative - falsePositive * falseNegative) / below;
}
