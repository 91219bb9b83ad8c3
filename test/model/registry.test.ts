import assert from "node:assert/strict";
import { existsSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  archiveOlder,
  describeVersion,
  listModels,
  listVersions,
  loadBackend,
  loadModel,
  registerModel,
  scoreRow,
  setAlias,
  trainPropensity,
} from "clickstream/model";
import { withHome } from "../support.ts";
import { makeRows } from "./rows.ts";

const { frame } = makeRows(2500, 31);
const model = await trainPropensity(frame, {
  parameters: { width: 16, epochs: 2 },
  baselines: false,
});
const rows = frame.head(20).toRecords();

Deno.test("a registered model comes back and scores the same, bit for bit", () =>
  withHome(async (home) => {
    const version = await registerModel(home, model, {
      name: "clickstream",
      tags: { run: "r1" },
      trainingTable: { name: "electronics_cart_metrics__training", version: 7 },
      lookups: [{ keys: ["user_id"], features: ["user__events"] }],
    });
    assert.equal(version, 1);
    await setAlias(home, "clickstream", "production", 1);
    const loaded = await loadModel(home, "clickstream");
    for (const row of rows) assert.equal(scoreRow(loaded, row), scoreRow(model, row));
    const { registered } = loaded;
    assert.equal(registered.stage, "Production");
    assert.deepEqual(registered.aliases, ["production"]);
    assert.equal(registered.metrics.averagePrecision, model.scores.test!.averagePrecision);
    assert.deepEqual(registered.trainingTable, {
      name: "electronics_cart_metrics__training",
      version: 7,
    });
    assert.deepEqual(registered.features, model.features);
    assert.deepEqual(registered.signature.outputs, [{ name: "p", type: "double" }]);
    assert.deepEqual(await listModels(home), ["clickstream"]);
  }));

Deno.test("the stored network opens in TensorFlow.js as it is and predicts the same", () =>
  withHome(async (home) => {
    await registerModel(home, model, { name: "m" });
    const folder = join(home, "m", "versions", "1");
    const { tf } = await loadBackend();
    const files = JSON.parse(await Deno.readTextFile(join(folder, "model.json")));
    const opened = await tf.loadLayersModel(tf.io.fromMemory({
      modelTopology: files.modelTopology,
      weightSpecs: files.weightsManifest[0].weights,
      weightData: (await Deno.readFile(join(folder, "weights.bin"))).buffer,
    }));
    const { encodeRows } = await import("../../lib/model/features/encode.ts");
    const { fillRow, logitsOfFew } = await import("../../lib/model/network/forward.ts");
    const inputs = encodeRows(model.preprocessing!, rows);
    const flat = new Float32Array(inputs.rows * inputs.width);
    for (let i = 0; i < inputs.rows; i++) fillRow(inputs, i, flat, i * inputs.width);
    const batch = tf.tensor2d(flat, [inputs.rows, inputs.width]);
    const out = opened.predict(batch) as import("@tensorflow/tfjs").Tensor;
    const expected = logitsOfFew(model.network!, inputs);
    (await out.data()).forEach((logit, i) => assert.ok(Math.abs(logit - expected[i]!) < 1e-4));
    tf.dispose([batch, out]);
    opened.dispose();
  }));

Deno.test("a loaded model registers under another name without its first record", () =>
  withHome(async (home) => {
    await registerModel(home, model, { name: "clickstream" });
    const loaded = await loadModel(home, "clickstream", 1);
    await registerModel(home, loaded, { name: "clickstream__inference" });
    const again = await loadModel(home, "clickstream__inference", 1);
    assert.equal(again.registered.name, "clickstream__inference");
    assert.deepEqual(again.network, model.network);
  }));

Deno.test("versions count up, the alias moves, older ones are archived", () =>
  withHome(async (home) => {
    for (let i = 0; i < 3; i++) await registerModel(home, model, { name: "m" });
    await setAlias(home, "m", "production", 1);
    await setAlias(home, "m", "production", 3);
    assert.deepEqual(await archiveOlder(home, "m"), [1, 2]);
    assert.deepEqual(await archiveOlder(home, "m"), []);
    const stages = (await listVersions(home, "m")).map(({ version, stage }) => [version, stage]);
    assert.deepEqual(stages, [[1, "Archived"], [2, "Archived"], [3, "Production"]]);
    assert.equal((await describeVersion(home, "m", "2")).version, 2);
  }));

Deno.test("versions registered at the same time are all kept", () =>
  withHome(async (home) => {
    const numbers = await Promise.all(
      Array.from({ length: 8 }, () => registerModel(home, model, { name: "m" })),
    );
    assert.deepEqual(numbers.sort(), [1, 2, 3, 4, 5, 6, 7, 8]);
    const left = readdirSync(join(home, "m", "versions"));
    assert.equal(left.length, 8, "nothing half-written is left");
  }));

Deno.test("a model of rates is stored without a network", () =>
  withHome(async (home) => {
    const few = await trainPropensity(makeRows(100, 32).frame);
    assert.equal(few.kind, "rate");
    await registerModel(home, few, { name: "m" });
    const loaded = await loadModel(home, "m", 1);
    assert.equal(scoreRow(loaded, { event_type: "cart" }), scoreRow(few, { event_type: "cart" }));
    assert.ok(!existsSync(join(home, "m", "versions", "1", "weights.bin")));
  }));

Deno.test("unknown names, versions and aliases say what there is", () =>
  withHome(async (home) => {
    await assert.rejects(loadModel(home, "m"), {
      name: "RegistryError",
      message: /No model m is registered: run notebook 1b/,
    });
    await registerModel(home, model, { name: "m" });
    await assert.rejects(loadModel(home, "m"), /no version or alias production; it has versions 1/);
    await assert.rejects(setAlias(home, "m", "production", 9), /no version or alias 9/);
    await assert.rejects(registerModel(home, model, { name: "../m" }), /cannot name a model/);
    assert.deepEqual(await listVersions(home, "other"), []);
  }));

Deno.test("a changed, cut or missing file of a model is named, not loaded", () =>
  withHome(async (home) => {
    await registerModel(home, model, { name: "m" });
    await registerModel(home, model, { name: "m" });
    await registerModel(home, model, { name: "m" });
    const at = (version: number, file: string) => join(home, "m", "versions", `${version}`, file);
    truncateSync(at(1, "weights.bin"), 100);
    await assert.rejects(loadModel(home, "m", 1), {
      name: "RegistryError",
      message: /Model m version 1 is broken: weights.bin was changed/,
    });
    Deno.removeSync(at(2, "propensity.json"));
    await assert.rejects(loadModel(home, "m", 2), /propensity.json is missing/);
    writeFileSync(at(3, "version.json"), "{");
    await assert.rejects(loadModel(home, "m", 3), /is not JSON/);
  }));
