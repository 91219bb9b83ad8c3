/** One way to group the items: a group's number for every item, and how many of it must be chosen. */
export interface Margin {
  group: ArrayLike<number>;
  target: number[];
}

/**
 * Finds probabilities of the form `logistic(score + one effect a margin)` whose sums meet every
 * margin's targets as nearly as all can be met together (iterative proportional fitting).
 *
 * @param score log-odds of every item before the effects; -Infinity is never chosen
 * @param margins whose targets each add up to the same total
 */
export function rake(score: Float32Array, margins: Margin[], rounds = 14): Float32Array {
  const chance = new Float32Array(score.length);
  const effects = margins.map(({ target }) => new Float64Array(target.length));
  const total = margins[0]!.target.reduce((sum, each) => sum + each, 0);
  let start = Math.log(total / Math.max(1, score.length));
  for (let round = 0; round < rounds; round++) {
    const sums = margins.map(({ target }) => new Float64Array(target.length));
    let sum = 0;
    for (let i = 0; i < score.length; i++) {
      let x = score[i]! + start;
      for (let m = 0; m < margins.length; m++) x += effects[m]![margins[m]!.group[i]!]!;
      const p = 1 / (1 + Math.exp(-x));
      chance[i] = p;
      sum += p;
      for (let m = 0; m < margins.length; m++) sums[m]![margins[m]!.group[i]!]! += p;
    }
    if (round === rounds - 1) break;
    start += Math.log(total / sum);
    margins.forEach(({ target }, m) =>
      target.forEach((wanted, g) => {
        const step = wanted > 0 ? Math.log(wanted / sums[m]![g]! / (total / sum)) : -1;
        if (sums[m]![g]! > 0) effects[m]![g]! += 0.7 * Math.max(-2, Math.min(2, step));
      })
    );
  }
  return chance;
}

/** Scales numbers so that they add up to `total`. */
export function scaledTo(total: number, values: number[]): number[] {
  const sum = values.reduce((all, each) => all + each, 0);
  return values.map((value) => value * total / sum);
}
