/** The Deno side of run_delta.sh: `delta.ts PYTHON FOLDER`. Ends with an error at the first difference. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  addColumns,
  appendTo,
  checkpoint,
  closeLakehouse,
  type Column,
  createTable,
  deleteFrom,
  mergeInto,
  openLakehouse,
  optimize,
  overwriteTable,
  records,
  restoreTable,
  snapshot,
  updateTable,
  vacuum,
} from "clickstream/lakehouse";
import { compare, shown, type Sides, startPython } from "./delta_sides.ts";

const BIG = 1_515_915_625_353_900_095n;

const schema = {
  id: "long",
  text: "string",
  price: "double",
  paid: "boolean",
  moment: "timestamp",
  day: "date",
  amount: "decimal(38,9)",
  small: "decimal(10,2)",
} as const;
const columns = Object.entries(schema).map(([name, type]): Column => ({
  name,
  type,
  nullable: name !== "id",
}));

/** Rows whose values try every type: both ends of their ranges, nulls, Unicode. */
const first = {
  columns: {
    id: [BIG, BIG + 1n, -(2n ** 63n), 2n ** 63n - 1n],
    text: ["", "é 中 🛒 'x' \"y\" \n\\", null, "z".repeat(200)],
    price: [0.1, -1e300, null, 5e-324],
    paid: [true, false, null, true],
    moment: [1_577_836_800_000_001n, -1n, null, 4_102_444_799_999_999n],
    day: ["2020-02-29", "1969-12-31", null, "2099-12-31"],
    amount: [
      "12345678901234567890123456789.123456789",
      "-0.000000001",
      null,
      "0",
    ],
    small: ["99999999.99", "-99999999.99", null, "0.01"],
  },
};

async function writtenHere(sides: Sides): Promise<void> {
  const { lake, python } = sides;
  const path = join(sides.root, "clickstream/ours");
  const check = (step: string) => compare(sides, "ours", step);
  await createTable(lake, "ours", {
    columns,
    description: "ours",
    properties: { "delta.logRetentionDuration": "interval 30 days", "our.own": "é" },
  });
  await check("create");
  await appendTo(lake, "ours", first, { txn: [{ appId: "q", version: 7 }] });
  await check("append");
  const second = { sql: "select 5 as id, 'five' as text, 2.5 as price" };
  await mergeInto(lake, "ours", { sql: `${second.sql} union all select ${BIG}, 'new', 1` }, {
    keys: ["id"],
  });
  await check("merge");
  const pieces = { columns: { id: [5n, 6n, BIG, BIG + 1n], text: ["x", "y", "no", "gone"] } };
  await mergeInto(lake, "ours", pieces, {
    keys: ["id"],
    whenMatched: {
      update: { text: "target.text || source.text" },
      condition: "source.text <> 'no'",
      delete: "source.text = 'gone'",
    },
  });
  await check("conditional merge");
  await updateTable(lake, "ours", { set: { price: "price * 2", paid: "false" }, where: "id < 10" });
  await check("update");
  await deleteFrom(lake, "ours", `id = ${2n ** 63n - 1n}`);
  await check("delete");
  for (let id = 100; id < 106; id++) {
    await appendTo(lake, "ours", { columns: { id: [id], moment: [id] } });
  }
  await Promise.all(lake.background);
  await check("automatic checkpoint");
  await optimize(lake, "ours", { sortBy: ["id"] });
  await check("optimize");
  await Deno.remove(join(path, "_delta_log", `${"0".repeat(20)}.json`));
  await checkpoint(lake, "ours");
  await check("checkpoint");
  const about = await python.ask({ do: "about", path });
  assert.deepEqual([about.protocol, about.description, about.txn], [[1, 2], "ours", 7]);
  assert.equal((about.configuration as Record<string, string>)["our.own"], "é");
  assert.equal((about.nullable as Record<string, boolean>).id, false);
  assert.equal(about.files, (await snapshot(lake, "ours")).files.size);
  await overwriteTable(lake, "ours", { sql: "select 1 as id, 'only' as text" });
  await check("overwrite");
  await restoreTable(lake, "ours", { version: (await snapshot(lake, "ours")).version - 1 });
  await check("restore");
  await vacuum(lake, "ours", { retentionHours: 0, allowShortRetention: true });
  await compare(sides, "ours", "vacuum", { older: false });
  await addColumns(lake, "ours", [{ name: "more", type: "long" }]);
  await appendTo(lake, "ours", { columns: { id: [200n], more: [1n], note: ["n"] } }, {
    mergeSchema: true,
  });
  await compareWide(sides, "ours", "added columns");
}

async function compareWide(sides: Sides, table: string, step: string): Promise<void> {
  await compare(sides, table, step, { select: `${shown}, more, note`, older: false });
}

async function partitionedHere(sides: Sides): Promise<void> {
  const { lake, python } = sides;
  const path = join(sides.root, "clickstream/parts");
  const select = "id, epoch_us(moment) as moment, day::varchar as day, text, paid";
  await createTable(lake, "parts", {
    columns: columns.filter(({ name }) => ["id", "moment", "day", "text", "paid"].includes(name)),
    partitionBy: ["day", "text", "paid", "moment"],
  });
  await appendTo(lake, "parts", {
    columns: {
      id: [1n, 2n, 3n],
      day: ["2020-01-01", null, "2020-01-02"],
      text: ["a/b =%ü", null, "+ ?#"],
      paid: [true, null, false],
      moment: [1n, null, 1_577_836_800_500_000n],
    },
  });
  await compare(sides, "parts", "partitions", { select });
  await overwriteTable(lake, "parts", { columns: { id: [9n], day: ["2020-01-02"] } }, {
    replaceWhere: "day = '2020-01-02'",
  });
  await compare(sides, "parts", "overwrite of a partition", { select });
  await checkpoint(lake, "parts");
  await compare(sides, "parts", "checkpoint of partitions", { select });
  const { ids } = await python.ask({ do: "filtered", path, filters: [["text", "=", "a/b =%ü"]] });
  assert.deepEqual(ids, [1]);
}

async function writtenThere(sides: Sides): Promise<void> {
  const { lake, python } = sides;
  const path = join(sides.root, "clickstream/theirs");
  const check = (step: string) => compare(sides, "theirs", `there: ${step}`);
  const row = (index: number) =>
    Object.fromEntries(
      Object.entries(first.columns).map(([name, values]) => [
        name,
        name === "day" && values[index] !== null
          ? Date.parse(`${values[index]}`) / 86_400_000
          : values[index],
      ]),
    );
  const rows = [0, 1, 2, 3].map(row);
  await python.ask({ do: "write", path, schema, rows, mode: "append", txn: ["q", 3] });
  await check("create");
  assert.equal((await snapshot(lake, "theirs")).txns.get("q"), 3);
  await python.ask({ do: "write", path, schema, rows: [{ id: 5 }], mode: "append" });
  await check("append");
  await python.ask({ do: "merge", path, schema, rows: [{ id: 5, text: "m" }, { id: 6 }] });
  await check("merge");
  await python.ask({
    do: "merge",
    path,
    schema: { id: "long", text: "string" },
    rows: [5n, 6n, 70n, BIG].map((id, i) => ({ id, text: ["x", "gone", "new", "no"][i] })),
    set: { text: "t.text || s.text" },
    condition: "s.text <> 'no'",
    delete: "s.text = 'gone'",
  });
  await check("conditional merge");
  assert.deepEqual(
    await records(lake, `select id, text from theirs where id in (5, 6, 70, ${BIG}) order by id`),
    [{ id: 5n, text: "mx" }, { id: 70n, text: "new" }, { id: BIG, text: "" }],
  );
  await python.ask({ do: "merge", path, schema, rows: [{ id: 6 }] });
  await python.ask({ do: "change", change: "update", path, set: { text: "'u'" }, where: "id = 6" });
  await check("update");
  await python.ask({ do: "change", change: "delete", path, where: "id = 5" });
  await check("delete");
  await mergeInto(lake, "theirs", { sql: "select 6 as id, 'here' as text" }, { keys: ["id"] });
  await deleteFrom(lake, "theirs", "text = 'z'");
  await check("merge here, of their table");
  await python.ask({ do: "change", change: "optimize", path });
  await check("optimize");
  await python.ask({ do: "change", change: "checkpoint", path });
  await Deno.remove(join(path, "_delta_log", `${"0".repeat(20)}.json`));
  const fresh = await openLakehouse(sides.root, { threads: 1 });
  try {
    await compare({ ...sides, lake: fresh }, "theirs", "there: checkpoint", { older: false });
  } finally {
    await closeLakehouse(fresh);
  }
  const { version } = await snapshot(lake, "theirs");
  await python.ask({ do: "write", path, schema, rows: [{ id: 1 }], mode: "overwrite" });
  await check("overwrite");
  await python.ask({ do: "change", change: "restore", path, version });
  await check("restore");
  await python.ask({ do: "change", change: "vacuum", path });
  await compare(sides, "theirs", "there: vacuum", { older: false });
  const wide = { ...schema, more: "long", note: "string" };
  const added = [{ id: 7, more: 1, note: "n" }];
  await python.ask({
    do: "write",
    path,
    schema: wide,
    rows: added,
    mode: "append",
    schema_mode: "merge",
  });
  await compareWide(sides, "theirs", "there: added columns");
  await appendTo(lake, "theirs", { columns: { id: [8n], note: ["here"] } });
  await optimize(lake, "theirs");
  await compareWide(sides, "theirs", "optimize here, of their table");
}

async function partitionedThere(sides: Sides): Promise<void> {
  const { python, lake } = sides;
  const path = join(sides.root, "clickstream/theirs_parts");
  const types = { id: "long", text: "string", day: "date", moment: "timestamp" };
  const select = "id, text, day::varchar as day, epoch_us(moment) as moment";
  const rows = [
    { id: 1, text: "a/b =%ü", day: 18262, moment: 1 },
    { id: 2, text: null, day: null, moment: null },
    { id: 3, text: "+ ?#", day: 18263, moment: 1_577_836_800_500_000 },
  ];
  const partition_by = ["text", "day", "moment"];
  await python.ask({ do: "write", path, schema: types, rows, mode: "append", partition_by });
  await compare(sides, "theirs_parts", "there: partitions", { select });
  assert.deepEqual(await records(lake, "select id from theirs_parts where text = '+ ?#'"), [
    { id: 3n },
  ]);
  await python.ask({
    do: "write",
    path,
    schema: types,
    rows: [{ id: 4, text: "+ ?#", day: 18263, moment: 1_577_836_800_500_000 }],
    mode: "overwrite",
    predicate: "text = '+ ?#'",
  });
  await compare(sides, "theirs_parts", "there: overwrite of a partition", { select });
  await updateTable(lake, "theirs_parts", { set: { text: "text || id" }, where: "id < 3" });
  await compare(sides, "theirs_parts", "update here, of their partitions", { select });
}

/** Names, keys and comments in any script, both ways. */
async function unicodeBothWays(sides: Sides): Promise<void> {
  const { lake, python } = sides;
  const path = join(sides.root, "clickstream/names");
  const [text, part] = ["größe \"n\" 'x'", "列.\u{1F6D2}"];
  const select = `id, "${text.replaceAll('"', '""')}", "${part}"`;
  await createTable(lake, "names", {
    columns: [{ name: "id", type: "long" }, { name: text, type: "string", comment: "ü\u{1F6D2}" }, {
      name: part,
      type: "string",
    }],
    partitionBy: [part],
  });
  await appendTo(lake, "names", {
    columns: { id: [1n, 2n], [text]: ["é", "\u{10FFFF}"], [part]: ["ü/\u{1F6D2}", null] },
  });
  await compare(sides, "names", "Unicode names", { select });
  const schema = { id: "long", [text]: "string", [part]: "string" };
  const row = (id: number) => ({ id, [text]: "e\u0301", [part]: "ü/\u{1F6D2}" });
  await python.ask({ do: "write", path, schema, rows: [row(3), row(4)], mode: "append" });
  await compare(sides, "names", "there: Unicode names", { select });
  await python.ask({ do: "merge", path, schema, rows: [row(2), row(5)] });
  await compare(sides, "names", "there: merge with Unicode names", { select });
  await mergeInto(lake, "names", { columns: { id: [4n], [text]: ["m"] } }, {
    keys: ["id"],
    whenMatched: { update: { [text]: `source."${text.replaceAll('"', '""')}"` } },
  });
  await compare(sides, "names", "merge here with Unicode names", { select });
}

const [pythonPath, folder] = Deno.args;
const root = join(folder!, "lakehouse");
const python = startPython(pythonPath!);
const lake = await openLakehouse(root, { threads: 1 });
try {
  const sides = { lake, python, root };
  for (
    const part of [
      writtenHere,
      partitionedHere,
      writtenThere,
      partitionedThere,
      unicodeBothWays,
    ]
  ) {
    await part(sides);
  }
  console.log("Both sides agree after every operation.");
} finally {
  await closeLakehouse(lake);
  await python.end();
}
