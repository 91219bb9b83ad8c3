import { classWeights, rankByScore, type ScoreOptions } from "./input.ts";

/**
 * Points of the ranking at which the score changes, from the highest threshold down: the weight of
 * positives and negatives with a score at or above each threshold.
 */
export interface RankingCurve {
  thresholds: Float64Array;
  truePositives: Float64Array;
  falsePositives: Float64Array;
}

/** Counts true and false positives at every distinct score; ties are one point. */
export function rankingCurve(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  options: ScoreOptions = {},
): RankingCurve {
  const order = rankByScore(labels, scores);
  const curve = {
    thresholds: new Float64Array(order.length),
    truePositives: new Float64Array(order.length),
    falsePositives: new Float64Array(order.length),
  };
  let points = 0;
  let positive = 0;
  let negative = 0;
  for (let i = 0; i < order.length; i++) {
    const row = order[i]!;
    const weight = options.weights === undefined ? 1 : options.weights[row]!;
    if (labels[row] === 1) positive += weight;
    else negative += weight;
    if (i + 1 < order.length && scores[order[i + 1]!] === scores[row]) continue;
    curve.thresholds[points] = scores[row]!;
    curve.truePositives[points] = positive;
    curve.falsePositives[points] = negative;
    points++;
  }
  return {
    thresholds: curve.thresholds.subarray(0, points),
    truePositives: curve.truePositives.subarray(0, points),
    falsePositives: curve.falsePositives.subarray(0, points),
  };
}

/**
 * Average precision: the sum over thresholds of precision times the gain in recall, without
 * interpolation, as scikit-learn defines it. Without a positive it is 0.
 */
export function averagePrecision(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  options: ScoreOptions = {},
): number {
  const { truePositives, falsePositives } = rankingCurve(labels, scores, options);
  const total = truePositives[truePositives.length - 1]!;
  if (total === 0) return 0;
  let sum = 0;
  let before = 0;
  for (let i = 0; i < truePositives.length; i++) {
    const found = truePositives[i]!;
    if (found > before) sum += (found / (found + falsePositives[i]!)) * (found - before);
    before = found;
  }
  return sum / total;
}

/** Area under the ROC curve, ties counting half; NaN when the rows hold one class only. */
export function rocAuc(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  options: ScoreOptions = {},
): number {
  const { truePositives, falsePositives } = rankingCurve(labels, scores, options);
  const last = truePositives.length - 1;
  const total = truePositives[last]! * falsePositives[last]!;
  if (total === 0) return NaN;
  let area = 0;
  let positive = 0;
  let negative = 0;
  for (let i = 0; i <= last; i++) {
    area += (falsePositives[i]! - negative) * (truePositives[i]! + positive) / 2;
    positive = truePositives[i]!;
    negative = falsePositives[i]!;
  }
  return area / total;
}

/** Points of the precision-recall curve in order of growing recall, thinned for a chart. */
export function precisionRecallCurve(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  options: ScoreOptions & { points?: number } = {},
): { recall: number; precision: number; threshold: number }[] {
  const curve = rankingCurve(labels, scores, options);
  const total = curve.truePositives[curve.truePositives.length - 1]!;
  return thin(curve.thresholds.length, options.points ?? 400).map((i) => ({
    recall: total === 0 ? 0 : curve.truePositives[i]! / total,
    precision: curve.truePositives[i]! / (curve.truePositives[i]! + curve.falsePositives[i]!),
    threshold: curve.thresholds[i]!,
  }));
}

/** Points of the ROC curve from (0, 0) to (1, 1), thinned for a chart. */
export function rocCurve(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  options: ScoreOptions & { points?: number } = {},
): { falsePositiveRate: number; truePositiveRate: number }[] {
  const curve = rankingCurve(labels, scores, options);
  const { negative, positive } = classWeights(labels, options.weights);
  const points = thin(curve.thresholds.length, options.points ?? 400).map((i) => ({
    falsePositiveRate: negative === 0 ? 0 : curve.falsePositives[i]! / negative,
    truePositiveRate: positive === 0 ? 0 : curve.truePositives[i]! / positive,
  }));
  return [{ falsePositiveRate: 0, truePositiveRate: 0 }, ...points];
}

/** Share of positives among the `k` rows of highest score (all rows when there are fewer). */
export function precisionAtK(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  k: number,
): number {
  const order = rankByScore(labels, scores);
  const taken = Math.min(k, order.length);
  let positives = 0;
  for (let i = 0; i < taken; i++) positives += labels[order[i]!]!;
  return positives / taken;
}

/** One tenth of the rows in order of score: the first holds the highest. */
export interface Decile {
  decile: number;
  rows: number;
  positives: number;
  /** Share of positives in the decile. */
  rate: number;
  /** That share over the share among all rows; NaN when there is no positive at all. */
  lift: number;
  meanScore: number;
}

/** Positives and lift by tenths of the ranking. */
export function liftByDecile(labels: ArrayLike<number>, scores: ArrayLike<number>): Decile[] {
  const order = rankByScore(labels, scores);
  const overall = classWeights(labels).positive / order.length;
  return Array.from({ length: 10 }, (_, decile) => {
    const rows = order.subarray(
      Math.floor(decile * order.length / 10),
      Math.floor((decile + 1) * order.length / 10),
    );
    let positives = 0;
    let sum = 0;
    for (const row of rows) {
      positives += labels[row]!;
      sum += scores[row]!;
    }
    const rate = positives / rows.length;
    return {
      decile: decile + 1,
      rows: rows.length,
      positives,
      rate,
      lift: overall === 0 ? NaN : rate / overall,
      meanScore: sum / rows.length,
    };
  });
}

function thin(length: number, points: number): number[] {
  if (length <= points) return Array.from({ length }, (_, i) => i);
  return Array.from({ length: points }, (_, i) => Math.round(i * (length - 1) / (points - 1)));
}
