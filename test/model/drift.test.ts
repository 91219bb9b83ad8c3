import assert from "node:assert/strict";
import pl from "nodejs-polars";
import { driftReport, profileFeatures, stabilityIndex } from "clickstream/model";
import { createRandom } from "../../lib/model/random.ts";

function made(rows: number, seed: number, shift = 0, missing = 0.1): pl.DataFrame {
  const random = createRandom(seed);
  const colours = ["red", "green", "blue"];
  const at = Array.from({ length: rows }, () => ({
    amount: random.next() < missing ? null : random.normal() + shift,
    steady: random.next(),
    colour: random.next() < 0.05 ? null : colours[random.integer(shift > 0 ? 2 : 3)]!,
  }));
  return pl.DataFrame({
    amount: at.map(({ amount }) => amount),
    steady: at.map(({ steady }) => steady),
    colour: at.map(({ colour }) => colour),
  });
}

const NAMES = ["amount", "steady", "colour"];

Deno.test("the index is the sum of the shares' differences times their log ratio", () => {
  assert.equal(stabilityIndex([0.5, 0.5], [0.5, 0.5]), 0);
  const expected = (0.25 - 0.5) * Math.log(0.5) + (0.75 - 0.5) * Math.log(1.5);
  assert.ok(Math.abs(stabilityIndex([0.5, 0.5], [0.25, 0.75]) - expected) < 1e-12);
  assert.ok(Number.isFinite(stabilityIndex([1, 0], [0, 1])));
});

Deno.test("rows of the same kind are stable, shifted ones drifted, the most moved first", async () => {
  const profiles = JSON.parse(JSON.stringify(await profileFeatures(made(5000, 1), NAMES)));
  const same = await driftReport(profiles, made(5000, 2));
  assert.ok(same.every(({ verdict }) => verdict === "stable"));
  const moved = await driftReport(profiles, made(5000, 3, 1));
  assert.deepEqual(moved.map(({ verdict }) => verdict), ["drifted", "drifted", "stable"]);
  assert.equal(moved.at(-1)!.feature, "steady");
});

Deno.test("values that go missing count as drift", async () => {
  const profiles = await profileFeatures(made(5000, 1), NAMES);
  const [first] = await driftReport(profiles, made(5000, 4, 0, 0.6));
  assert.equal(first!.feature, "amount");
  assert.equal(first!.verdict, "drifted");
  assert.ok(Math.abs(first!.missing.before - 0.1) < 0.02);
  assert.ok(Math.abs(first!.missing.now - 0.6) < 0.03);
});

Deno.test("a column that is gone, or no rows at all, are errors", async () => {
  const profiles = await profileFeatures(made(100, 1), NAMES);
  await assert.rejects(driftReport(profiles, made(100, 2).drop("colour")), /no column colour/);
  await assert.rejects(driftReport(profiles, made(100, 2).head(0)), /no rows to compare/);
  await assert.rejects(profileFeatures(made(1, 1).head(0), NAMES), /no rows to profile/);
});
