import assert from "node:assert/strict";
import pl from "nodejs-polars";
import { partialDependence, permutationImportance, trainPropensity } from "clickstream/model";
import { createRandom } from "../../lib/model/random.ts";

function made(rows: number, seed: number): pl.DataFrame {
  const random = createRandom(seed);
  const at = Array.from({ length: rows }, () => ({ a: random.normal(), b: random.normal() }));
  const kind = at.map(() => (random.next() < 0.5 ? "gift" : random.next() < 0.2 ? null : "own"));
  return pl.DataFrame({
    strong: at.map(({ a }) => a),
    strongAgain: at.map(({ a }) => a * 2),
    noise: at.map(({ b }, i) => (i % 10 === 0 ? null : b)),
    kind,
    label: at.map(({ a }, i) =>
      random.next() < 1 / (1 + Math.exp(1 - 2 * a - (kind[i] === "gift" ? 1 : 0))) ? 1 : 0
    ),
  });
}

const frame = made(6000, 1);
const model = await trainPropensity({ train: frame, validation: made(1500, 2) }, {
  keys: [],
  parameters: { width: 16 },
  baselines: false,
});

Deno.test("importance is the fall of average precision, the strongest group first", async () => {
  const found = await permutationImportance(model, made(2000, 3), {
    groups: { noise: ["noise"], strong: ["strong", "strongAgain"], kind: ["kind"] },
  });
  assert.deepEqual(found.map(({ group }) => group), ["strong", "kind", "noise"]);
  assert.ok(found[0]!.fall > 0.2);
  assert.ok(Math.abs(found[2]!.fall) < 0.02);
  const alone = await permutationImportance(model, made(2000, 3));
  assert.equal(alone.length, 4);
  assert.ok(alone.find(({ group }) => group === "strong")!.fall < found[0]!.fall);
});

Deno.test("importance repeats with the same seed", async () => {
  const run = () => permutationImportance(model, frame, { rows: 500, repeats: 2, seed: 4 });
  assert.deepEqual(await run(), await run());
});

Deno.test("partial dependence rises where the label does, and shows missing values", async () => {
  const rising = await partialDependence(model, frame, "strong", { points: 5 });
  const means = rising.map(({ meanProbability }) => meanProbability);
  assert.deepEqual(means, means.toSorted((a, b) => a - b));
  const noise = await partialDependence(model, frame, "noise");
  assert.equal(noise.at(-1)!.value, null);
  assert.ok(Math.abs(noise.at(-1)!.share - 0.1) < 0.02);
  assert.ok(Math.abs(noise.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9);
  const kind = new Map(
    (await partialDependence(model, frame, "kind")).map((p) => [p.value, p.meanProbability]),
  );
  assert.ok(kind.get("gift")! > kind.get("own")!);
});

Deno.test("columns that the model does not read are named", async () => {
  await assert.rejects(partialDependence(model, frame, "label"), /does not read label/);
  const wrong = permutationImportance(model, frame, { groups: { all: ["strong", "price"] } });
  await assert.rejects(wrong, /Group all names price/);
  await assert.rejects(permutationImportance(model, frame.head(0)), /no rows to explain/);
});
