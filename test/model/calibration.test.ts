import assert from "node:assert/strict";
import fc from "fast-check";
import { calibrated, calibrationError, fitIsotonic, fitPlatt } from "clickstream/model";
import { createRandom } from "../../lib/model/random.ts";

/** Rows whose log odds are `slope x true + shift`: overconfident and shifted. */
function distorted(rows: number, seed: number) {
  const random = createRandom(seed);
  const logits = new Float64Array(rows);
  const labels = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const truth = random.normal() * 1.5 - 2;
    labels[i] = random.next() < 1 / (1 + Math.exp(-truth)) ? 1 : 0;
    logits[i] = 2 * truth + 1;
  }
  return { labels, logits };
}

for (const [name, fit] of [["Platt's line", fitPlatt], ["isotonic steps", fitIsotonic]] as const) {
  Deno.test(`${name} undo a distortion of the log odds`, () => {
    const { labels, logits } = distorted(20_000, 1);
    const fitted = fit(labels, logits);
    const other = distorted(20_000, 2);
    const error = (values: Float64Array) => calibrationError(other.labels, values);
    const before = error(other.logits.map((logit) => calibrated({ kind: "none" }, logit)));
    const after = error(other.logits.map((logit) => calibrated(fitted, logit)));
    assert.ok(before > 0.06 && after < 0.012, `${before} to ${after}`);
  });

  Deno.test(`${name} never turn the order of two rows around`, () => {
    fc.assert(fc.property(
      fc.array(fc.tuple(fc.double({ min: -9, max: 9, noNaN: true }), fc.boolean()), {
        minLength: 1,
        maxLength: 50,
      }),
      fc.double({ min: -12, max: 12, noNaN: true }),
      fc.double({ min: -12, max: 12, noNaN: true }),
      (rows, a, b) => {
        const fitted = fit(rows.map(([, yes]) => yes ? 1 : 0), rows.map(([logit]) => logit));
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const [p, q] = [calibrated(fitted, low), calibrated(fitted, high)];
        assert.ok(p <= q + 1e-12 && p >= 0 && q <= 1);
      },
    ));
  });

  Deno.test(`${name} leave one class alone`, () => {
    assert.deepEqual(fit([0, 0], [1, 2]), { kind: "none" });
    assert.deepEqual(fit([1, 1], [1, 2]), { kind: "none" });
  });
}

Deno.test("Platt's line is the one that made the distortion", () => {
  const { labels, logits } = distorted(50_000, 3);
  const fitted = fitPlatt(labels, logits);
  assert.ok(fitted.kind === "platt");
  assert.ok(Math.abs(fitted.slope - 0.5) < 0.03 && Math.abs(fitted.intercept + 0.5) < 0.06);
});

Deno.test("Platt's line is found from logits that are far off", () => {
  const { labels, logits } = distorted(5000, 4);
  for (const [scale, shift] of [[1, 3], [1, 5], [0.5, 4], [2, 8], [0.1, -4], [3, -9]] as const) {
    const off = logits.map((logit) => (logit - 1) / 2 * scale + shift);
    const fitted = fitPlatt(labels, off);
    assert.ok(fitted.kind === "platt");
    const { slope, intercept } = fitted;
    assert.ok(Math.abs(slope * scale - 1) < 0.12, `${scale}, ${shift}: ${slope}`);
    assert.ok(Math.abs(slope * shift + intercept) < 0.25, `${scale}, ${shift}: ${intercept}`);
  }
});

Deno.test("no rounding makes a probability greater than 1", () => {
  const logits = [0, -2.4730982128539556, 5e-324, 0, 0, 0, 0, 0, 0, -0.9370623820301891];
  const labels = [0, 1, 1, 1, 0, 0, 1, 0, 0, 0];
  assert.ok(calibrated(fitIsotonic(labels, logits), 0) <= 1);
});
