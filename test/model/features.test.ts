import assert from "node:assert/strict";
import fc from "fast-check";
import pl from "nodejs-polars";
import { columnsOf } from "clickstream/model";
import { encodeRow, encodeTable } from "../../lib/model/features/encode.ts";
import { fitPreprocessing } from "../../lib/model/features/fit.ts";
import { makeRows } from "./rows.ts";

const KEYS = ["user_id", "user_session", "product_id", "label"];

async function tableOf(frame: pl.DataFrame) {
  return await columnsOf(frame, frame.columns.filter((name) => !KEYS.includes(name)));
}

Deno.test("a plain row gives bit for bit the inputs of the table's row", async () => {
  const { frame } = makeRows(3000, 2);
  const train = await tableOf(frame.head(2500));
  const preprocessing = fitPreprocessing(train, { pieces: 6 });
  const all = encodeTable(preprocessing, await tableOf(frame));
  const rows = frame.toRecords();
  for (let i = 0; i < rows.length; i += 7) {
    const one = encodeRow(preprocessing, rows[i]!);
    const { denseWidth, slotsPerRow } = all;
    assert.deepEqual(one.dense, all.dense.slice(i * denseWidth, (i + 1) * denseWidth));
    assert.deepEqual(one.slots, all.slots.slice(i * slotsPerRow, (i + 1) * slotsPerRow));
  }
});

Deno.test("the preprocessing survives JSON", async () => {
  const { frame } = makeRows(500, 3);
  const table = await tableOf(frame);
  const preprocessing = fitPreprocessing(table, { pieces: 4 });
  const copy = JSON.parse(JSON.stringify(preprocessing));
  assert.deepEqual(encodeTable(copy, table), encodeTable(preprocessing, table));
});

Deno.test("bigint, Date, ISO text and microseconds say the same as the table's types", async () => {
  const { frame } = makeRows(300, 4);
  const preprocessing = fitPreprocessing(await tableOf(frame));
  const row = frame.toRecords()[0]!;
  const time = row.event_time as unknown as Date;
  const expected = encodeRow(preprocessing, row);
  const millis = time.getTime();
  for (
    const event_time of [BigInt(millis) * 1000n, millis * 1000, time.toISOString()]
  ) {
    const same = encodeRow(preprocessing, {
      ...row,
      event_time,
      cart__events: BigInt(row.cart__events as number),
    });
    assert.deepEqual(same, expected);
  }
});

Deno.test("inputs are finite whatever numbers come", async () => {
  const { frame } = makeRows(300, 5);
  const preprocessing = fitPreprocessing(await tableOf(frame), { pieces: 5 });
  const names = preprocessing.columns.filter(({ kind }) => kind === "numeric").map((c) => c.name);
  fc.assert(fc.property(fc.constantFrom(...names), fc.double(), (name, value) => {
    const { dense } = encodeRow(preprocessing, { event_type: "view", [name]: value });
    assert.ok(dense.every((input) => Number.isFinite(input) && Math.abs(input) <= 8));
  }));
});

Deno.test("unseen and missing texts have slots; frequent ones their own", async () => {
  const texts = Array.from({ length: 400 }, (_, i) => (i % 4 !== 1 ? "often" : `rare ${i}`));
  const frame = pl.DataFrame({ x: texts.map((_, i) => i % 5), kind: texts });
  const preprocessing = fitPreprocessing(await columnsOf(frame), { hashSlots: 4 });
  const slot = (kind: string | null) => encodeRow(preprocessing, { x: 1, kind }).slots[0]!;
  assert.equal(slot(null), 0);
  assert.equal(slot("often"), 1);
  for (const text of ["rare 1", "never seen", "__proto__"]) {
    assert.ok(slot(text) >= 2 && slot(text) < 6);
  }
});

Deno.test("columns without information are dropped and named", async () => {
  const frame = pl.DataFrame({
    empty: pl.Series("empty", [null, null, null, null], pl.Float64),
    same: [3, 3, 3, 3],
    notNumbers: [NaN, NaN, NaN, NaN],
    useful: [1, 2, 3, 4],
  });
  const { dropped, columns } = fitPreprocessing(await columnsOf(frame));
  assert.deepEqual(dropped, [
    { name: "empty", reason: "is missing in all rows" },
    { name: "same", reason: "is 3 in all rows" },
    { name: "notNumbers", reason: "is missing in all rows" },
  ]);
  assert.deepEqual(columns, [{ name: "useful", kind: "numeric" }]);
  const nothing = await columnsOf(frame.select("empty", "same"));
  assert.throws(() => fitPreprocessing(nothing), {
    name: "ModelError",
    message: "No column tells rows apart (empty is missing in all rows, same is 3 in all rows).",
  });
});

Deno.test("a column missing from the rows, or of another kind, is named", async () => {
  const preprocessing = fitPreprocessing(
    await columnsOf(pl.DataFrame({ a: [1, 2], b: ["x", "y"] })),
  );
  const other = await columnsOf(pl.DataFrame({ a: [1, 2] }));
  assert.throws(() => encodeTable(preprocessing, other), /reads column b/);
  const wrong = await columnsOf(pl.DataFrame({ a: ["1", "2"], b: ["x", "y"] }));
  assert.throws(() => encodeTable(preprocessing, wrong), /reads column a as numeric/);
  assert.throws(() => encodeRow(preprocessing, { a: "1" }), /Feature a must be a number/);
});

Deno.test("integers beyond what a double holds are names, and never rounded", async () => {
  const ids = ["2144415922528452715", "2144415922528452716"];
  const texts = Array.from({ length: 100 }, (_, i) => ids[i % 2]!);
  const frame = pl.DataFrame({ id: pl.Series("id", texts).cast(pl.Int64), x: texts.map(Number) });
  const preprocessing = fitPreprocessing(await columnsOf(frame));
  assert.deepEqual(preprocessing.columns[0], { name: "id", kind: "text" });
  const slot = (id: unknown) => encodeRow(preprocessing, { id, x: 1 }).slots[0];
  assert.notEqual(slot(BigInt(ids[0]!)), slot(BigInt(ids[1]!)));
  assert.equal(slot(BigInt(ids[0]!)), slot(ids[0]));
});

Deno.test("columns missing in the same rows share one missing input", async () => {
  const frame = pl.DataFrame({
    a: [1, null, 3, null],
    b: [5, null, 2, null],
    c: [null, 1, 2, 3],
  });
  const { features } = fitPreprocessing(await columnsOf(frame));
  const indicators = features.map((f) => f.kind === "numeric" && f.missingInput !== null);
  assert.deepEqual(indicators, [true, false, true]);
});
