import assert from "node:assert/strict";
import {
  compareModels,
  describeVersion,
  listVersions,
  promoteIfBetter,
  registerModel,
  trainPropensity,
} from "clickstream/model";
import { withHome } from "../support.ts";
import { makeRows } from "./rows.ts";

const { frame } = makeRows(8000, 71);
const later = makeRows(3000, 72).frame;
const options = { parameters: { width: 16, epochs: 6 }, baselines: false };
const good = await trainPropensity(frame, options);
const poor = await trainPropensity(frame, {
  ...options,
  drop: frame.columns.filter((name) => name.startsWith("product__") || name.startsWith("cart")),
});

Deno.test("a candidate that may be worse is not promoted, a better one is", async () => {
  const worse = await compareModels(poor, good, later, { resamples: 200 });
  assert.equal(worse.promoted, false);
  assert.match(worse.reason, /not promoted: average precision differs by -0\.\d+/);
  const better = await compareModels(good, poor, later, { resamples: 200 });
  assert.equal(better.promoted, true);
  assert.ok(better.difference.averagePrecision.low > 0);
});

Deno.test("production moves only to a version that passes", () =>
  withHome(async (home) => {
    const name = "m";
    await registerModel(home, good, { name });
    const first = await promoteIfBetter(home, name, 1, later);
    assert.deepEqual([first.promoted, first.difference], [true, null]);
    await registerModel(home, poor, { name });
    assert.equal((await promoteIfBetter(home, name, 2, later, { resamples: 200 })).promoted, false);
    assert.equal((await describeVersion(home, name)).version, 1);
    await registerModel(home, good, { name });
    assert.equal((await promoteIfBetter(home, name, 3, later, { resamples: 200 })).promoted, true);
    const stages = (await listVersions(home, name)).map(({ stage }) => stage);
    assert.deepEqual(stages, ["Archived", "Archived", "Production"]);
  }));

Deno.test("rows of one class or none cannot decide", async () => {
  const none = makeRows(200, 73, -20).frame;
  await assert.rejects(compareModels(good, poor, none), /one class only; wait for more/);
  await assert.rejects(compareModels(good, poor, later.head(0)), /no later rows/);
});
