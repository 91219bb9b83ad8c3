import assert from "node:assert/strict";
import {
  appendTo,
  changesBetween,
  checkpoint,
  closeLakehouse,
  type Column,
  createTable,
  deleteFrom,
  mergeInto,
  openLakehouse,
  records,
  snapshot,
  updateTable,
} from "clickstream/lakehouse";
import { columns, rows, withLake } from "./support.ts";

const LEAST = -(2n ** 63n);
const GREATEST = 2n ** 63n - 1n;

Deno.test("each file tells its rows, ends and nulls of every column, exactly", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", {
      columns: [
        { name: "id", type: "long" },
        { name: "name", type: "string" },
        { name: "amount", type: "decimal(38,9)" },
        { name: "price", type: "double" },
        { name: "day", type: "date" },
        { name: "moment", type: "timestamp" },
        { name: "none", type: "long" },
      ],
    });
    await appendTo(lake, "t", {
      columns: {
        id: [LEAST, null, GREATEST],
        name: ["é".repeat(40), "\u{1F6D2}".repeat(40), null],
        amount: ["12345678901234567890123456789.123456789", null, "-0.000000001"],
        price: [-1.5, null, 1e300],
        day: ["2020-02-29", "1969-12-31", null],
        moment: [-1n, null, 1_577_836_800_000_001n],
        none: [null, null, null],
      },
    });
    const [file] = [...(await snapshot(lake, "t")).files.values()];
    const told = (part: string) =>
      new RegExp(`"${part}":(\\{.*?\\}|\\d+)`).exec(file!.stats!)?.[1]?.replaceAll('"', "");
    assert.equal(told("numRecords"), "3");
    assert.equal(told("nullCount"), "{id:1,name:1,amount:1,price:1,day:1,moment:1,none:3}");
    assert.equal(
      told("minValues"),
      `{id:${LEAST},name:${"é".repeat(32)},amount:-0.000000001,price:-1.5,day:1969-12-31,` +
        "moment:1969-12-31T23:59:59.999999Z}",
    );
    assert.equal(
      told("maxValues"),
      `{id:${GREATEST},name:${"\u{1F6D2}".repeat(32)}\u{10FFFF},` +
        "amount:12345678901234567890123456789.123456789,price:1e+300,day:2020-02-29," +
        "moment:2020-01-01T00:00:00.000001Z}",
    );
  });
});

Deno.test("neighbours at both ends of 64 bits are told apart by every operation", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    const ids = [LEAST, LEAST + 1n, 2n ** 53n, 2n ** 53n + 1n, GREATEST - 1n, GREATEST];
    for (const id of ids) await appendTo(lake, "t", rows([id]));
    for (const id of ids) {
      assert.deepEqual(await records(lake, `select id from t where id = ${id}`), [{ id }]);
    }
    await mergeInto(lake, "t", rows([LEAST, GREATEST], "b"), { keys: ["id"] });
    await mergeInto(lake, "t", rows([2n ** 53n + 1n], "c"), { keys: ["id"] });
    await updateTable(lake, "t", { set: { name: "'d'" }, where: `id = ${LEAST + 1n}` });
    await deleteFrom(lake, "t", `id = ${GREATEST - 1n}`);
    await checkpoint(lake, "t");
    const found = await records(lake, "select id, name from t order by id");
    assert.deepEqual(
      found.map(({ id, name }) => [id, name]),
      [[LEAST, "b"], [LEAST + 1n, "d"], [2n ** 53n, "a"], [2n ** 53n + 1n, "c"], [GREATEST, "b"]],
    );
  });
});

Deno.test("columns, keys, partitions and comments may have any Unicode in them", async () => {
  await withLake(async (lake, root) => {
    const [key, part, value] = [`kéy "q" 'x'`, "列.%41", "\u{1F6D2}"];
    const named: Column[] = [
      { name: key, type: "string", nullable: false, comment: "naïve\n'\u{1F6D2}'" },
      { name: part, type: "string" },
      { name: value, type: "long" },
    ];
    await createTable(lake, "t", {
      columns: named,
      partitionBy: [part],
      properties: { "é.\u{1F6D2}": "ü" },
      description: "«\u{1F6D2}»",
    });
    const texts = ["a\u{10FFFF}", "\u0000", "e\u0301", "é"]; // The last two look the same.
    const source = (amount: bigint) => ({
      columns: {
        [key]: texts,
        [part]: ["x/y", "ü=%41", null, "x/y"],
        [value]: texts.map(() => amount),
      },
    });
    await appendTo(lake, "t", source(1n));
    await mergeInto(lake, "t", source(2n), { keys: [key] });
    const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
    await updateTable(lake, "t", {
      set: { [value]: `t.${quoted(value)} + 5` },
      where: `${quoted(part)} = 'x/y'`,
    });
    await deleteFrom(lake, "t", `${quoted(key)} = 'é'`);
    await checkpoint(lake, "t");
    const other = await openLakehouse(root, { threads: 1 });
    try {
      const { schema, description, properties } = await snapshot(other, "t");
      assert.deepEqual(schema, named.map((column) => ({ nullable: true, ...column })));
      assert.deepEqual([description, properties], ["«\u{1F6D2}»", { "é.\u{1F6D2}": "ü" }]);
      const shown = await records(other, `select * from t order by ${quoted(key)}`);
      assert.deepEqual(shown.map((row) => [row[key], row[part], row[value]]), [
        ["\u0000", "ü=%41", 2n],
        ["a\u{10FFFF}", "x/y", 7n],
        ["e\u0301", null, 2n],
      ]);
      const changes = await changesBetween(other, "t", 2, 4, { keys: [key] });
      const kinds = await records(other, `select _change_type as kind from ${changes} order by 1`);
      assert.deepEqual(kinds.map(({ kind }) => kind), [
        "delete",
        "update_postimage",
        "update_preimage",
      ]);
    } finally {
      await closeLakehouse(other);
    }
  });
});
