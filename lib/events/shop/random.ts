/** A seeded source of random numbers: the same seed gives the same numbers, everywhere. */
export interface RandomSource {
  /** From 0 (inclusive) to 1 (exclusive). */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** Exponential with mean 1. */
  exponential(): number;
  /** A whole number from 0 to below `count`. */
  below(count: number): number;
}

/** Makes a source (the sfc32 generator) from a seed and the name of what it is for. */
export function makeRandom(seed: number, purpose: string): RandomSource {
  let a = seed | 0;
  let b = (seed / 4294967296) | 0;
  let c = 0x9E3779B9;
  for (let i = 0; i < purpose.length; i++) c = Math.imul(c ^ purpose.charCodeAt(i), 0x01000193);
  let counter = 1;
  const next = () => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 20; i++) next();
  const uniform = () => next() / 4294967296;
  let spare = NaN;
  const normal = () => {
    if (spare === spare) {
      const value = spare;
      spare = NaN;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  const exponential = () => -Math.log(1 - uniform());
  return { uniform, normal, exponential, below: (count) => Math.floor(uniform() * count) };
}

/** Draws positions with given weights in constant time (Walker's alias method). */
export function makeSampler(weights: ArrayLike<number>): (random: RandomSource) => number {
  const count = weights.length;
  let total = 0;
  for (let i = 0; i < count; i++) total += weights[i]!;
  const share = Float64Array.from(weights, (weight) => weight * count / total);
  const alias = new Uint32Array(count);
  const small: number[] = [];
  const large: number[] = [];
  share.forEach((value, index) => (value < 1 ? small : large).push(index));
  while (small.length > 0 && large.length > 0) {
    const less = small.pop()!;
    const more = large.pop()!;
    alias[less] = more;
    share[more]! -= 1 - share[less]!;
    (share[more]! < 1 ? small : large).push(more);
  }
  for (const rest of [...small, ...large]) share[rest] = 1;
  return (random) => {
    const place = random.uniform() * count;
    const index = Math.floor(place);
    return place - index < share[index]! ? index : alias[index]!;
  };
}
