import { createRandom } from "../random.ts";
import { rankByScore } from "./input.ts";

/** A score with the interval that resampled carts give it. */
export interface Interval {
  /** The score of the rows as they are. */
  value: number;
  low: number;
  high: number;
}

/** Options of {@link bootstrapScores} and {@link bootstrapDifference}. */
export interface BootstrapOptions {
  /** The group (cart) number of each row; rows of one group are drawn together. @default every row alone */
  groups?: ArrayLike<number> | null;
  /** @default 1000 */
  resamples?: number;
  /** Share of resamples inside the interval. @default 0.95 */
  level?: number;
  /** @default 1 */
  seed?: number;
  /** Threshold of balanced accuracy and Matthews. @default 0.5 */
  threshold?: number;
}

/** The scores that come with intervals. */
export interface BootstrappedScores {
  averagePrecision: Interval;
  /** Values are NaN when the rows hold one class only. */
  rocAuc: Interval;
  balancedAccuracy: Interval;
  matthews: Interval;
  logLoss: Interval;
  brier: Interval;
}

type ScoreName = keyof BootstrappedScores;
const NAMES: ScoreName[] = [
  ...["averagePrecision", "rocAuc", "balancedAccuracy", "matthews"] as const,
  ...["logLoss", "brier"] as const,
];

/**
 * Scores with percentile intervals from resampling groups with replacement. The ranking is made once;
 * a resample only changes how often each group counts, so it costs one pass over the rows.
 */
export function bootstrapScores(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  options: BootstrapOptions = {},
): BootstrappedScores {
  const ranked = rank(labels, probabilities, options);
  const values = NAMES.map(() => new Float64Array(options.resamples ?? 1000));
  const once = weightedScores(ranked, new Uint8Array(ranked.groupCount).fill(1));
  resample(ranked.groupCount, options, (counts, round) => {
    const scores = weightedScores(ranked, counts);
    NAMES.forEach((name, i) => values[i]![round] = scores[name]);
  });
  return Object.fromEntries(
    NAMES.map((name, i) => [name, intervalOf(once[name], values[i]!, options.level ?? 0.95)]),
  ) as unknown as BootstrappedScores;
}

/**
 * The difference first - second of every score on the same rows, resampled together (paired), so that
 * what both models find easy cancels out.
 */
export function bootstrapDifference(
  labels: ArrayLike<number>,
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  options: BootstrapOptions = {},
): BootstrappedScores {
  const [a, b] = [rank(labels, first, options), rank(labels, second, options)];
  const values = NAMES.map(() => new Float64Array(options.resamples ?? 1000));
  const one = new Uint8Array(a.groupCount).fill(1);
  const once = [weightedScores(a, one), weightedScores(b, one)] as const;
  resample(a.groupCount, options, (counts, round) => {
    const [x, y] = [weightedScores(a, counts), weightedScores(b, counts)];
    NAMES.forEach((name, i) => values[i]![round] = x[name] - y[name]);
  });
  const level = options.level ?? 0.95;
  return Object.fromEntries(
    NAMES.map((name, i) => [name, intervalOf(once[0][name] - once[1][name], values[i]!, level)]),
  ) as unknown as BootstrappedScores;
}

/** Rows from the highest score down, in columns. */
interface Ranked {
  groupCount: number;
  group: Uint32Array;
  label: Uint8Array;
  /** 1 where the next row's score is lower. */
  stepEnd: Uint8Array;
  /** 1 where the score is at or above the threshold. */
  above: Uint8Array;
  loss: Float64Array;
  square: Float64Array;
}

function rank(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  options: BootstrapOptions,
): Ranked {
  const order = rankByScore(labels, probabilities);
  const rows = order.length;
  const threshold = options.threshold ?? 0.5;
  const { numbers, count } = numbered(options.groups ?? null, rows);
  const ranked: Ranked = {
    groupCount: count,
    group: new Uint32Array(rows),
    label: new Uint8Array(rows),
    stepEnd: new Uint8Array(rows),
    above: new Uint8Array(rows),
    loss: new Float64Array(rows),
    square: new Float64Array(rows),
  };
  order.forEach((row, i) => {
    const p = probabilities[row]!;
    const kept = Math.min(1 - 2 ** -52, Math.max(2 ** -52, p));
    ranked.group[i] = numbers[row]!;
    ranked.label[i] = labels[row]!;
    ranked.stepEnd[i] = i + 1 === rows || probabilities[order[i + 1]!] !== p ? 1 : 0;
    ranked.above[i] = p >= threshold ? 1 : 0;
    ranked.loss[i] = -Math.log(labels[row] === 1 ? kept : 1 - kept);
    ranked.square[i] = (p - labels[row]!) ** 2;
  });
  return ranked;
}

/** Group numbers without gaps, so that every draw takes a group that has rows. */
function numbered(groups: ArrayLike<number> | null, rows: number) {
  const numbers = new Uint32Array(rows);
  const known = new Map<number, number>();
  for (let i = 0; i < rows; i++) {
    const group = groups === null ? i : groups[i]!;
    let at = known.get(group);
    if (at === undefined) known.set(group, at = known.size);
    numbers[i] = at;
  }
  return { numbers, count: known.size };
}

function weightedScores(ranked: Ranked, counts: Uint8Array): Record<ScoreName, number> {
  const { group, label, stepEnd, above, loss, square } = ranked;
  let positive = 0, negative = 0, before = 0, negativeBefore = 0;
  let precisionSum = 0, area = 0, losses = 0, squares = 0;
  let truePositive = 0, falsePositive = 0;
  for (let i = 0; i < group.length; i++) {
    const weight = counts[group[i]!]!;
    if (weight > 0) {
      if (label[i] === 1) {
        positive += weight;
        if (above[i] === 1) truePositive += weight;
      } else {
        negative += weight;
        if (above[i] === 1) falsePositive += weight;
      }
      losses += weight * loss[i]!;
      squares += weight * square[i]!;
    }
    if (stepEnd[i] === 0) continue;
    if (positive > before) precisionSum += (positive - before) * positive / (positive + negative);
    area += (negative - negativeBefore) * (positive + before) / 2;
    before = positive;
    negativeBefore = negative;
  }
  const rows = positive + negative;
  const trueNegative = negative - falsePositive;
  const below = Math.sqrt(truePositive + falsePositive) * Math.sqrt(positive) *
    Math.sqrt(negative) * Math.sqrt(rows - truePositive - falsePositive);
  const recalls = [truePositive / positive, trueNegative / negative].filter(Number.isFinite);
  return {
    averagePrecision: positive === 0 ? 0 : precisionSum / positive,
    rocAuc: positive * negative === 0 ? NaN : area / (positive * negative),
    balancedAccuracy: recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length,
    matthews: below === 0 ? 0 : (truePositive * trueNegative -
      falsePositive * (positive - truePositive)) / below,
    logLoss: losses / rows,
    brier: squares / rows,
  };
}

function resample(
  groups: number,
  options: BootstrapOptions,
  each: (counts: Uint8Array, round: number) => void,
): void {
  const random = createRandom(options.seed ?? 1);
  const counts = new Uint8Array(groups);
  for (let round = 0; round < (options.resamples ?? 1000); round++) {
    counts.fill(0);
    for (let i = 0; i < groups; i++) counts[random.integer(groups)]!++;
    each(counts, round);
  }
}

function intervalOf(value: number, resampled: Float64Array, level: number): Interval {
  const sorted = resampled.filter((x) => !Number.isNaN(x)).sort();
  if (sorted.length === 0) return { value, low: NaN, high: NaN };
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const low = Math.floor(place);
    const high = Math.min(low + 1, sorted.length - 1);
    return sorted[low]! + (place - low) * (sorted[high]! - sorted[low]!);
  };
  return { value, low: at((1 - level) / 2), high: at((1 + level) / 2) };
}
