/** One way to group the items: a group's number for every item, and how many of it must be chosen. */
export interface Margin {
  group: Uint8Array;
  target: number[];
}

/** What was found for a set of margins: factors on the odds, one for each group of each margin. */
export interface Raked {
  level: number;
  factors: Float64Array[];
}

/**
 * Finds probabilities of the form `logistic(score + one effect a margin)` whose sums meet every
 * margin's targets as nearly as all can be met together (iterative proportional fitting).
 *
 * @param score log-odds of every item before the effects; -Infinity is never chosen
 * @param margins whose targets each add up to the same total
 */
export function rake(score: Float32Array, margins: Margin[], rounds = 10): Raked {
  const chance = new Float32Array(score.length);
  // Odds multiply where log-odds add: so one exponential an item is enough for all rounds.
  const odds = oddsOf(score);
  const factors = margins.map(({ target }) => new Float64Array(target.length).fill(1));
  const groups = margins.map(({ group }) => group);
  const total = margins[0]!.target.reduce((sum, each) => sum + each, 0);
  const raked = { level: total / Math.max(1, score.length), factors };
  for (let round = 0; round < rounds; round++) {
    const sums = margins.map(({ target }) => new Float64Array(target.length));
    const sum = fillChances(chance, odds, groups, raked, sums);
    raked.level *= total / sum;
    margins.forEach(({ target }, m) =>
      target.forEach((wanted, g) => {
        if (sums[m]![g] === 0) return;
        const step = wanted / sums[m]![g]! / (total / sum);
        factors[m]![g]! *= Math.max(0.2, Math.min(5, step)) ** 0.7;
      })
    );
  }
  return raked;
}

/** The chances of items by what was raked, be it for these items or for some of them. */
export function chancesOf(score: Float32Array, groups: Uint8Array[], raked: Raked): Float32Array {
  const chance = new Float32Array(score.length);
  const sums = raked.factors.map((factors) => new Float64Array(factors.length));
  fillChances(chance, oddsOf(score), groups, raked, sums);
  return chance;
}

/** Computes every item's chance and adds it to the sums of its groups; answers the whole sum. */
function fillChances(
  chance: Float32Array,
  odds: Float64Array,
  groups: Uint8Array[],
  { level, factors }: Raked,
  sums: Float64Array[],
): number {
  // A pass for each margin: loops over flat arrays of one type run several times faster.
  const product = odds.slice();
  groups.forEach((group, m) => multiply(product, group, factors[m]!));
  let sum = 0;
  for (let i = 0; i < product.length; i++) {
    const scaled = product[i]! * level;
    sum += chance[i] = scaled / (1 + scaled);
  }
  groups.forEach((group, m) => addUp(chance, group, sums[m]!));
  return sum;
}

function multiply(values: Float64Array, group: Uint8Array, factors: Float64Array): void {
  for (let i = 0; i < values.length; i++) values[i]! *= factors[group[i]!]!;
}

function addUp(values: Float32Array, group: Uint8Array, sums: Float64Array): void {
  for (let i = 0; i < values.length; i++) sums[group[i]!]! += values[i]!;
}

function oddsOf(score: Float32Array): Float64Array {
  const odds = new Float64Array(score.length);
  for (let i = 0; i < odds.length; i++) odds[i] = Math.exp(score[i]!);
  return odds;
}

/** Scales numbers so that they add up to `total`. */
export function scaledTo(total: number, values: number[]): number[] {
  const sum = values.reduce((all, each) => all + each, 0);
  return values.map((value) => value * total / sum);
}
