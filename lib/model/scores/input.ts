import { ModelError } from "../errors.ts";

/** What every score takes beside labels and scores. */
export interface ScoreOptions {
  /** A weight a row. @default 1 each */
  weights?: ArrayLike<number>;
}

/**
 * Row positions from the highest score to the lowest; rows of equal score stay in their order.
 *
 * @throws {ModelError} a score is NaN, or lengths differ, or there is no row
 */
export function rankByScore(labels: ArrayLike<number>, scores: ArrayLike<number>): Uint32Array {
  checkInput(labels, scores);
  const order = new Uint32Array(scores.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  return order.sort((a, b) => scores[b]! - scores[a]! || a - b);
}

/**
 * Checks that labels are 0 or 1, that scores are numbers, and that both are of one length above 0.
 *
 * @throws {ModelError} says which row is wrong
 */
export function checkInput(labels: ArrayLike<number>, scores: ArrayLike<number>): void {
  if (labels.length !== scores.length) {
    throw new ModelError(
      `A score needs as many labels (${labels.length}) as scores (${scores.length}).`,
    );
  }
  if (labels.length === 0) throw new ModelError("A score needs at least one row; there is none.");
  for (let i = 0; i < labels.length; i++) {
    if (Number.isNaN(scores[i]!)) throw new ModelError(`The score of row ${i} is not a number.`);
    if (labels[i] !== 0 && labels[i] !== 1) {
      throw new ModelError(`The label of row ${i} is ${labels[i]}; it must be 0 or 1.`);
    }
  }
}

/** Sum of weights by class. */
export function classWeights(
  labels: ArrayLike<number>,
  weights?: ArrayLike<number>,
): { negative: number; positive: number } {
  let negative = 0;
  let positive = 0;
  for (let i = 0; i < labels.length; i++) {
    const weight = weights === undefined ? 1 : weights[i]!;
    if (labels[i] === 1) positive += weight;
    else negative += weight;
  }
  return { negative, positive };
}
