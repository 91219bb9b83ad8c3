import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import {
  averagePrecision,
  balancedAccuracy,
  bestThreshold,
  brier,
  calibrationCurve,
  calibrationError,
  liftByDecile,
  logLoss,
  matthews,
  ModelError,
  precisionAtK,
  precisionRecallCurve,
  rocAuc,
  rocCurve,
} from "clickstream/model";

interface Case {
  name: string;
  labels: number[];
  scores: number[];
  weights: number[] | null;
  threshold: number;
  averagePrecision: number;
  rocAuc: number | null;
  balancedAccuracy: number;
  matthews: number;
  logLoss: number;
  brier: number;
}

const recorded = JSON.parse(
  readFileSync(new URL("./fixtures/scores.json", import.meta.url), "utf8"),
) as { "scikit-learn": string; cases: Case[] };

function near(actual: number, expected: number, what: string): void {
  assert.ok(Math.abs(actual - expected) < 1e-10, `${what}: ${actual} instead of ${expected}`);
}

for (const c of recorded.cases) {
  Deno.test(`scores equal scikit-learn ${recorded["scikit-learn"]}: ${c.name}`, () => {
    const options = c.weights === null ? {} : { weights: c.weights };
    near(averagePrecision(c.labels, c.scores, options), c.averagePrecision, "average precision");
    const auc = rocAuc(c.labels, c.scores, options);
    if (c.rocAuc === null) assert.ok(Number.isNaN(auc));
    else near(auc, c.rocAuc, "ROC AUC");
    const { threshold } = c;
    near(balancedAccuracy(c.labels, c.scores, threshold, options), c.balancedAccuracy, "balanced");
    near(matthews(c.labels, c.scores, threshold, options), c.matthews, "Matthews");
    near(logLoss(c.labels, c.scores, options), c.logLoss, "log loss");
    near(brier(c.labels, c.scores, options), c.brier, "Brier");
  });
}

const ranking = fc.array(
  fc.record({ label: fc.integer({ min: 0, max: 1 }), score: fc.integer({ min: 0, max: 8 }) }),
  { minLength: 1, maxLength: 60 },
).map((rows) => ({
  labels: rows.map(({ label }) => label),
  scores: rows.map(({ score }) => score / 8),
}));

Deno.test("ROC AUC is the share of pairs in the right order, ties counting half", () => {
  fc.assert(fc.property(ranking, ({ labels, scores }) => {
    let right = 0;
    let pairs = 0;
    labels.forEach((a, i) =>
      labels.forEach((b, j) => {
        if (a !== 1 || b !== 0) return;
        pairs++;
        right += scores[i]! > scores[j]! ? 1 : scores[i] === scores[j] ? 0.5 : 0;
      })
    );
    const auc = rocAuc(labels, scores);
    if (pairs === 0) assert.ok(Number.isNaN(auc));
    else near(auc, right / pairs, "AUC");
  }));
});

Deno.test("an integer weight counts as that many equal rows", () => {
  fc.assert(fc.property(ranking, fc.integer({ min: 1, max: 9 }), ({ labels, scores }, seed) => {
    const weights = labels.map((_, i) => (i * seed) % 3 + 1);
    const repeat = (values: number[]) =>
      values.flatMap((v, i) => Array<number>(weights[i]!).fill(v));
    const [many, scored] = [repeat(labels), repeat(scores)];
    near(averagePrecision(labels, scores, { weights }), averagePrecision(many, scored), "AP");
    near(brier(labels, scores, { weights }), brier(many, scored), "Brier");
  }));
});

Deno.test("calibration error weighs each bin's distance by its rows", () => {
  const labels = [0, 0, 1, 1];
  const probabilities = [0.1, 0.3, 0.6, 0.8];
  near(calibrationError(labels, probabilities, { bins: 2 }), 0.25, "quantile bins");
  assert.deepEqual(calibrationCurve(labels, probabilities, { bins: 2, strategy: "uniform" }), [
    { rows: 2, meanPredicted: 0.2, observed: 0 },
    { rows: 2, meanPredicted: 0.7, observed: 1 },
  ]);
});

Deno.test("lift by decile compares each tenth of the ranking with all rows", () => {
  const scores = Array.from({ length: 100 }, (_, i) => i / 100);
  const labels = scores.map((score) => (score >= 0.9 ? 1 : 0));
  const deciles = liftByDecile(labels, scores);
  assert.equal(deciles.length, 10);
  assert.deepEqual(deciles.map(({ lift }) => Math.round(lift)), [10, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.equal(precisionAtK(labels, scores, 20), 0.5);
  assert.equal(precisionAtK(labels, scores, 1000), 0.1);
});

Deno.test("the best threshold separates what can be separated", () => {
  const labels = [0, 0, 0, 1, 1];
  const scores = [0.1, 0.2, 0.3, 0.4, 0.9];
  assert.equal(bestThreshold(labels, scores), 0.4);
  near(matthews(labels, scores, 0.4), 1, "Matthews");
});

Deno.test("curves end where all rows are taken, thinned to the points asked for", () => {
  const labels = Array.from({ length: 1000 }, (_, i) => (i % 7 === 0 ? 1 : 0));
  const scores = labels.map((_, i) => (i * 37 % 1000) / 1000);
  const points = precisionRecallCurve(labels, scores, { points: 50 });
  assert.equal(points.length, 50);
  assert.equal(points.at(-1)!.recall, 1);
  assert.deepEqual(rocCurve(labels, scores).at(-1), { falsePositiveRate: 1, truePositiveRate: 1 });
});

Deno.test("a score that is NaN, a label of 2 or no rows at all are named", () => {
  assert.throws(() => averagePrecision([0, 1], [0.1, NaN]), {
    name: "ModelError",
    message: "The score of row 1 is not a number.",
  });
  assert.throws(() => rocAuc([0, 2], [0.1, 0.2]), /label of row 1 is 2/);
  assert.throws(() => brier([], []), ModelError);
  assert.throws(() => logLoss([1], [1.5]), /outside 0 to 1/);
});
