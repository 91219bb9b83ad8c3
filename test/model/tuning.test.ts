import assert from "node:assert/strict";
import { join } from "node:path";
import { trainPropensity, tuneNetwork } from "clickstream/model";
import { withHome } from "../support.ts";
import { makeRows } from "./rows.ts";

const SPACE = {
  layers: { kind: "quantised", low: 1, high: 2, step: 1 },
  width: { kind: "quantised", low: 8, high: 32, step: 8 },
  learningRate: { kind: "logUniform", low: 1e-5, high: 3e-2 },
} as const;

Deno.test("tuning in two workers finds parameters, keeps them, and gives the same again", () =>
  withHome(async (home) => {
    const { frame } = makeRows(4000, 51);
    const options = { trials: 8, workers: 2, epochs: 4, space: SPACE, seed: 2 };
    const seen: number[] = [];
    const file = join(home, "study.jsonl");
    const first = await tuneNetwork(frame, {
      ...options,
      file,
      onTrial: ({ number }) => void seen.push(number),
    });
    assert.deepEqual(seen.toSorted((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert.ok(first.best.loss! < 0.6, `${first.best.loss}`);
    const again = await tuneNetwork(frame, options);
    assert.deepEqual(
      again.trials.map(({ point, loss, state }) => ({ point, loss, state })),
      first.trials.map(({ point, loss, state }) => ({ point, loss, state })),
    );
    const kept = await tuneNetwork(frame, { ...options, file, onTrial: () => assert.fail("ran") });
    assert.deepEqual(kept.parameters, first.parameters);
    const model = await trainPropensity(frame, {
      parameters: { ...first.parameters, epochs: 3 },
      baselines: false,
    });
    assert.equal(model.parameters.width, first.parameters.width);
  }));

Deno.test("the sample keeps whole carts within the rows allowed", async () => {
  const { frame } = makeRows(6000, 52);
  const { rows } = await tuneNetwork(frame, {
    trials: 1,
    workers: 0,
    epochs: 1,
    rows: 2400,
    space: SPACE,
  });
  assert.ok(rows.train > 1500 && rows.train < 2100 && rows.validation > 400);
});

Deno.test("a sample of one class cannot be tuned on", async () => {
  const { frame } = makeRows(300, 53, -9);
  await assert.rejects(tuneNetwork(frame, { trials: 1, workers: 0 }), /hold one class only/);
});
