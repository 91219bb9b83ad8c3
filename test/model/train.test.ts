import assert from "node:assert/strict";
import pl from "nodejs-polars";
import {
  absentFeatures,
  averagePrecision,
  loadBackend,
  rocAuc,
  scoreFrame,
  scoreRow,
  scoreRows,
  splitByCart,
  trainPropensity,
} from "clickstream/model";
import { makeRows } from "./rows.ts";

const QUICK = { parameters: { width: 32, epochs: 5 } };

Deno.test("the model comes near the best possible ranking, and above the baselines", async () => {
  const { frame, truth } = makeRows(30_000, 11);
  const seen: number[] = [];
  const model = await trainPropensity(frame, {
    seed: 1,
    parameters: { width: 48, epochs: 8 },
    onEpoch: ({ epoch }) => void seen.push(epoch),
  });
  const marked = frame.withColumns(pl.Series("truth", [...truth]));
  const { test } = await splitByCart(marked, { seed: 1 });
  const labels = test.getColumn("label").cast(pl.Float64).toArray() as number[];
  const best = averagePrecision(labels, test.getColumn("truth").toArray() as number[]);
  const { averagePrecision: ours } = model.scores.test!;
  assert.ok(ours > best - 0.05, `${ours} against ${best} at best`);
  assert.ok(ours <= best + 0.02);
  const { baselines } = model;
  assert.ok(ours > baselines["logistic regression"]!.test!.averagePrecision - 0.005);
  assert.ok(ours > baselines["rate by last event type"]!.test!.averagePrecision + 0.1);
  assert.ok(model.scores.test!.calibrationError < 0.03);
  assert.equal(model.rows.test.rows, test.height);
  assert.deepEqual(seen, model.epochs.map(({ epoch }) => epoch));
  assert.ok(
    !model.features.some((name) => ["user_id", "user_session", "product_id"].includes(name)),
  );
});

Deno.test("same seed and rows give the same model, another seed another", async () => {
  const { frame } = makeRows(4000, 12);
  const options = { ...QUICK, baselines: false };
  const [first, again, other] = [
    await trainPropensity(frame, { ...options, seed: 4 }),
    await trainPropensity(frame, { ...options, seed: 4 }),
    await trainPropensity(frame, { ...options, seed: 5 }),
  ];
  assert.deepEqual(again.network, first.network);
  assert.deepEqual(again.calibration, first.calibration);
  assert.notDeepEqual(other.network, first.network);
});

Deno.test("members are stored as one network that answers their mean", async () => {
  const { frame } = makeRows(1500, 20);
  const { mergeNetworks } = await import("../../lib/model/network/merge.ts");
  const { logitsOfFew } = await import("../../lib/model/network/forward.ts");
  const { encodeRows } = await import("../../lib/model/features/encode.ts");
  const train = (members: number, seed: number, layers: number) =>
    trainPropensity(frame, {
      seed,
      parameters: { width: 16, epochs: 2, layers, members },
      baselines: false,
    });
  for (const layers of [0, 1, 3]) {
    const [a, b] = [await train(1, 1, layers), await train(1, 2, layers)];
    const inputs = encodeRows(a.preprocessing!, frame.head(20).toRecords());
    const merged = logitsOfFew(mergeNetworks([a.network!, b.network!]), inputs);
    const [first, second] = [logitsOfFew(a.network!, inputs), logitsOfFew(b.network!, inputs)];
    merged.forEach((logit, i) => assert.ok(Math.abs(logit - (first[i]! + second[i]!) / 2) < 1e-5));
  }
  const both = await train(2, 1, 2);
  assert.equal(both.network!.layers[0]!.outputs, 32);
});

Deno.test("shuffled labels score at chance", async () => {
  const { frame, labels } = makeRows(12_000, 13);
  const shuffled = frame.withColumns(
    pl.Series("label", [...labels.slice(5000), ...labels.slice(0, 5000)]),
  );
  const model = await trainPropensity(shuffled, { ...QUICK, baselines: false });
  const auc = model.scores.test!.rocAuc!;
  assert.ok(Math.abs(auc - 0.5) < 0.06, `AUC ${auc}`);
});

Deno.test("one row, few rows, many rows and a frame are scored alike", async () => {
  const { frame } = makeRows(5000, 14);
  const model = await trainPropensity(frame, { ...QUICK, baselines: false });
  const rows = frame.head(300).toRecords();
  const many = await scoreRows(model, rows);
  const few = await scoreRows(model, rows.slice(0, 5));
  const framed = await scoreFrame(model, frame.head(300));
  rows.forEach((row, i) => {
    assert.ok(Math.abs(scoreRow(model, row) - many[i]!) < 1e-5);
    assert.ok(Math.abs(framed[i]! - many[i]!) < 1e-6);
  });
  few.forEach((p, i) => assert.ok(Math.abs(p - many[i]!) < 1e-5 && p >= 0 && p <= 1));
});

Deno.test("the CPU backend predicts what WASM predicts, to 1e-4", async () => {
  const { frame } = makeRows(3000, 15);
  const model = await trainPropensity(frame, { ...QUICK, baselines: false });
  const plain = frame.head(200).toRecords().map((row) => scoreRow(model, row));
  const { logitsOfMany } = await import("../../lib/model/network/forward.ts");
  const { encodeRows } = await import("../../lib/model/features/encode.ts");
  const { calibrated } = await import("clickstream/model");
  const inputs = encodeRows(model.preprocessing!, frame.head(200).toRecords());
  for (const name of ["wasm", "cpu"] as const) {
    const { tf } = await loadBackend(name);
    await tf.setBackend(name);
    const logits = await logitsOfMany(tf, model.network!, inputs);
    logits.forEach((logit, i) =>
      assert.ok(Math.abs(calibrated(model.calibration, logit) - plain[i]!) < 1e-4)
    );
  }
  const { tf } = await loadBackend("wasm");
  await tf.setBackend("wasm");
});

Deno.test("fewer than 50 positives: the rate by last event type, said in words", async () => {
  const { frame } = makeRows(900, 16, -2.5);
  const positives = frame.getColumn("label").cast(pl.Float64).sum();
  assert.ok(positives > 0 && positives < 50, `${positives}`);
  const model = await trainPropensity(frame);
  assert.equal(model.kind, "rate");
  assert.match(model.notes[0]!, /Only \d+ of 900 rows are positive \(50 are needed\)/);
  const cart = scoreRow(model, { event_type: "cart" });
  assert.ok(cart > scoreRow(model, { event_type: "view" }));
  assert.equal(scoreRow(model, { event_type: "never seen" }), model.rates.overall);
  assert.equal((await scoreFrame(model, frame)).length, 900);
});

Deno.test("one class only gives the rate too, no rows and bad labels are errors", async () => {
  const { frame } = makeRows(200, 17);
  const ones = frame.withColumns(pl.lit(1).alias("label"));
  const model = await trainPropensity(ones);
  assert.equal(model.kind, "rate");
  assert.match(model.notes[0]!, /one class only/);
  await assert.rejects(trainPropensity(frame.head(0)), /There are no training rows/);
  const twos = frame.withColumns(pl.lit(2).alias("label"));
  await assert.rejects(trainPropensity(twos), /label of row 0 is 2/);
  const nulls = frame.withColumns(pl.lit(null).cast(pl.Float64).alias("label"));
  await assert.rejects(trainPropensity(nulls), /label of row 0 is missing/);
  await assert.rejects(trainPropensity(frame, { label: "bought" }), /has no column bought/);
});

Deno.test("a row without any of the model's features is refused, a part of them is scored", async () => {
  const { frame } = makeRows(3000, 18);
  const model = await trainPropensity(frame, { ...QUICK, baselines: false });
  await assert.rejects(scoreRows(model, [{ colour: "red" }]), {
    name: "ModelError",
    message: /carries none of the \d+ features the model reads/,
  });
  const p = scoreRow(model, { event_type: "cart", price: null });
  assert.ok(p > 0 && p < 1);
  assert.ok(absentFeatures(model, { event_type: "cart", price: null }).includes("cart__events"));
  await assert.rejects(scoreFrame(model, frame.drop("price")), /reads column price/);
});

Deno.test("any table of numbers and texts trains, with the parts given", async () => {
  const size = 3000;
  const made = (seed: number) => {
    const { labels, truth } = makeRows(size, seed);
    return pl.DataFrame({
      id: Array.from({ length: size }, (_, i) => `row ${i}`),
      strength: Array.from(truth, (p, i) => (i % 9 === 0 ? null : Math.log(p / (1 - p)))),
      colour: Array.from(truth, (p) => (p > 0.2 ? "red" : p > 0.1 ? null : "green")),
      flag: Array.from(truth, (_, i) => i % 2 === 0),
      bought: Array.from(labels, (label) => label === 1),
    });
  };
  const model = await trainPropensity(
    { train: made(1), validation: made(2), test: made(3) },
    { ...QUICK, label: "bought", keys: ["id"], baselines: false },
  );
  assert.deepEqual(model.features, ["strength", "colour", "flag"]);
  assert.equal(model.rows.train.carts, null);
  assert.ok(model.scores.test!.rocAuc! > 0.8);
  const scores = await scoreFrame(model, made(4));
  const labels = Array.from(makeRows(size, 4).labels);
  assert.ok(rocAuc(labels, scores) > 0.8);
});

Deno.test("more rows than allowed are thinned by cart, and the model says so", async () => {
  const { frame } = makeRows(6000, 19);
  const model = await trainPropensity(frame, { ...QUICK, maxTrainRows: 2000, baselines: false });
  assert.match(model.notes[0]!, /Trained on \d+ of \d+ training rows/);
});
