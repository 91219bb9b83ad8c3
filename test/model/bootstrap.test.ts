import assert from "node:assert/strict";
import {
  averagePrecision,
  balancedAccuracy,
  bootstrapDifference,
  bootstrapScores,
  brier,
  logLoss,
  matthews,
  rocAuc,
} from "clickstream/model";
import { createRandom } from "../../lib/model/random.ts";

function draw(carts: number, perCart: number, seed: number) {
  const random = createRandom(seed);
  const labels: number[] = [];
  const scores: number[] = [];
  const groups: number[] = [];
  for (let cart = 0; cart < carts; cart++) {
    const p = Math.round(random.next() * 50) / 100;
    for (let i = 0; i < perCart; i++) {
      labels.push(random.next() < p ? 1 : 0);
      scores.push(p);
      groups.push(cart * 3);
    }
  }
  return { labels, scores, groups };
}

Deno.test("the value of an interval is the score itself", () => {
  const { labels, scores, groups } = draw(200, 2, 1);
  const found = bootstrapScores(labels, scores, { groups, resamples: 50, threshold: 0.3 });
  const expected = {
    averagePrecision: averagePrecision(labels, scores),
    rocAuc: rocAuc(labels, scores),
    balancedAccuracy: balancedAccuracy(labels, scores, 0.3),
    matthews: matthews(labels, scores, 0.3),
    logLoss: logLoss(labels, scores),
    brier: brier(labels, scores),
  };
  for (const [name, value] of Object.entries(expected)) {
    const interval = found[name as keyof typeof expected];
    assert.ok(Math.abs(interval.value - value) < 1e-12, name);
    assert.ok(interval.low <= value && value <= interval.high, name);
  }
});

Deno.test("95 % intervals hold the true Brier score in about 95 of 100 draws", () => {
  let inside = 0;
  // E[(p - y)^2] = E[p(1 - p)] for p uniform on 0, 0.01 … 0.50 with half weight at the ends.
  const steps = Array.from({ length: 51 }, (_, i) => i / 100);
  const weight = (i: number) => (i === 0 || i === 50 ? 0.5 : 1) / 50;
  const truth = steps.reduce((sum, p, i) => sum + weight(i) * p * (1 - p), 0);
  for (let seed = 0; seed < 200; seed++) {
    const { labels, scores, groups } = draw(150, 3, seed);
    const { brier } = bootstrapScores(labels, scores, { groups, resamples: 200, seed });
    if (brier.low <= truth && truth <= brier.high) inside++;
  }
  assert.ok(inside >= 180 && inside <= 198, `${inside} of 200`);
});

Deno.test("rows of one cart are drawn together, so equal rows widen the interval", () => {
  const { labels, scores } = draw(300, 1, 5);
  const repeat = (values: number[]) => values.flatMap((value) => Array<number>(8).fill(value));
  const groups = repeat(labels.map((_, i) => i));
  const width = (options: { groups?: number[] }) => {
    const { brier } = bootstrapScores(repeat(labels), repeat(scores), { ...options, seed: 2 });
    return brier.high - brier.low;
  };
  const ratio = width({ groups }) / width({});
  assert.ok(Math.abs(ratio - Math.sqrt(8)) < 0.5, `${ratio}`);
});

Deno.test("a paired difference of a model with itself is exactly zero", () => {
  const { labels, scores, groups } = draw(100, 2, 6);
  const same = bootstrapDifference(labels, scores, scores, { groups, resamples: 20 });
  assert.deepEqual(same.averagePrecision, { value: 0, low: 0, high: 0 });
  const worse = bootstrapDifference(labels, scores, scores.map(() => 0.25), { groups });
  assert.ok(worse.averagePrecision.low > 0 && worse.brier.high < 0);
});

Deno.test("the same seed gives the same intervals", () => {
  const { labels, scores, groups } = draw(50, 2, 7);
  const run = (seed: number) => bootstrapScores(labels, scores, { groups, seed, resamples: 30 });
  assert.deepEqual(run(3), run(3));
  assert.notDeepEqual(run(3), run(4));
});
