import assert from "node:assert/strict";
import pl from "nodejs-polars";
import { evaluateModel, evaluateScores, splitByCart, trainPropensity } from "clickstream/model";
import { makeRows } from "./rows.ts";

Deno.test("an evaluation has intervals, deciles, curves, and scores by segment", async () => {
  const { frame } = makeRows(8000, 41);
  const model = await trainPropensity(frame, {
    parameters: { width: 16, epochs: 3 },
    baselines: false,
  });
  const { test } = await splitByCart(frame);
  const found = await evaluateModel(model, test, { resamples: 200 });
  assert.deepEqual(found.scores, model.scores.test);
  const { value, low, high } = found.intervals.averagePrecision;
  assert.ok(low < value && value < high && high - low < 0.4);
  assert.equal(value, found.scores.averagePrecision);
  assert.equal(found.deciles.length, 10);
  const segments = new Set(found.segments.map(({ segment }) => segment));
  assert.deepEqual([...segments], ["event position", "category", "price quartile", "user"]);
  for (const name of ["category", "user"]) {
    const groups = found.segments.filter(({ segment }) => segment === name);
    assert.equal(groups.reduce((sum, { rows }) => sum + rows, 0), test.height, name);
  }
});

Deno.test("rows without cart keys or segment columns are evaluated row by row", async () => {
  const frame = pl.DataFrame({ label: [0, 1, 0, 1] });
  const found = await evaluateScores(frame, [0.1, 0.9, 0.2, 0.6], { threshold: 0.5 });
  assert.equal(found.carts, null);
  assert.equal(found.scores.averagePrecision, 1);
  assert.deepEqual(found.segments, []);
  await assert.rejects(evaluateScores(frame.head(0), [], { threshold: 0.5 }), /no rows/);
});
