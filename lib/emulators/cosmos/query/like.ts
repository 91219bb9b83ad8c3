/** A LIKE pattern: tests of single characters, and `null` for `%`, any run of them. */
export type LikePattern = (((character: string) => boolean) | null)[];

/** Reads a pattern: `%` any run, `_` one character, `[a-c]` and `[^a-c]` one of a set. */
export function parseLike(like: string, escape: string | undefined): LikePattern {
  const pattern: LikePattern = [];
  for (let i = 0; i < like.length; i++) {
    const c = like[i]!;
    const close = c === "[" ? like.indexOf("]", i + 2) : -1;
    if (c === escape && i + 1 < like.length) pattern.push(exactly(like[++i]!));
    else if (c === "%") {
      if (pattern.at(-1) !== null) pattern.push(null);
    } else if (c === "_") pattern.push(() => true);
    else if (close > 0) {
      pattern.push(oneOf(like.slice(i + 1, close)));
      i = close;
    } else pattern.push(exactly(c));
  }
  return pattern;
}

/** Whether a text matches as a whole, in time that grows with text times pattern at most. */
export function matchesLike(text: string, pattern: LikePattern): boolean {
  let [at, place] = [0, 0];
  let [runAt, runPlace] = [0, -1];
  while (at < text.length) {
    const test = pattern[place];
    if (test === null) [runAt, runPlace, place] = [at, place, place + 1];
    else if (test !== undefined && test(text[at]!)) {
      at++;
      place++;
    } else if (runPlace >= 0) [runAt, at, place] = [runAt + 1, runAt + 1, runPlace + 1];
    else return false;
  }
  while (pattern[place] === null) place++;
  return place === pattern.length;
}

function exactly(wanted: string): (character: string) => boolean {
  return (character) => character === wanted;
}

function oneOf(set: string): (character: string) => boolean {
  const negated = set.startsWith("^");
  const ranges: [string, string][] = [];
  for (let i = negated ? 1 : 0; i < set.length; i++) {
    if (set[i + 1] === "-" && i + 2 < set.length) {
      ranges.push([set[i]!, set[i + 2]!]);
      i += 2;
    } else ranges.push([set[i]!, set[i]!]);
  }
  return (c) => ranges.some(([from, to]) => c >= from && c <= to) !== negated;
}
