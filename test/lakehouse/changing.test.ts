import assert from "node:assert/strict";
import {
  addColumns,
  appendTo,
  changesBetween,
  createTable,
  deleteFrom,
  DuplicateKeyError,
  type Lakehouse,
  mergeInto,
  overwriteTable,
  records,
  SchemaError,
  snapshot,
  UnsupportedTableError,
  updateTable,
} from "clickstream/lakehouse";
import { columns, rows, withLake } from "./support.ts";

/** Rows of `t` as `id name` texts. */
async function shown(lake: Lakehouse): Promise<string[]> {
  const found = await records(
    lake,
    "select id || ' ' || coalesce(name, '-') as row from t order by 1",
  );
  return found.map(({ row }) => String(row));
}

Deno.test("a delete takes whole files out, rewrites others, and leaves the rest alone", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([1, 2]));
    await appendTo(lake, "t", rows([10, 11]));
    await appendTo(lake, "t", rows([20], null));
    const before = await snapshot(lake, "t");
    await deleteFrom(lake, "t", "id between 2 and 11");
    assert.deepEqual(await shown(lake), ["1 a", "20 -"]);
    const after = await snapshot(lake, "t");
    assert.equal([...after.files.keys()].filter((path) => before.files.has(path)).length, 1);
    assert.equal(await deleteFrom(lake, "t", "id = 500"), after.version);
    await deleteFrom(lake, "t", "name = 'a'"); // A null name is not 'a', and stays.
    assert.deepEqual(await shown(lake), ["20 -"]);
    await assert.rejects(deleteFrom(lake, "t", "id ="), SchemaError);
  });
});

Deno.test("an update sets columns from the old row where its condition is true", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([1, 2, 3]));
    await updateTable(lake, "t", { set: { name: "name || id" }, where: "t.id >= 2" });
    assert.deepEqual(await shown(lake), ["1 a", "2 a2", "3 a3"]);
    await assert.rejects(updateTable(lake, "t", { set: { nme: "1" } }), SchemaError);
    await updateTable(lake, "t", { set: { ID: "id + 10", name: "name || id" }, where: "id = 1" });
    await updateTable(lake, "t", { set: { id: "id - 10", name: "'a'" }, where: "name = 'a1'" });
    await assert.rejects(updateTable(lake, "t", { set: { id: "null" } }), SchemaError);
    assert.deepEqual(await shown(lake), ["1 a", "2 a2", "3 a3"]);
  });
});

Deno.test("a merge updates some columns on a condition, deletes on another, inserts the rest", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([1, 2, 3]));
    const source = { columns: { id: [1n, 2n, 3n, 4n], name: ["x", "y", "gone", "new"] } };
    await mergeInto(lake, "t", source, {
      keys: ["id"],
      whenMatched: {
        update: { name: "target.name || source.name" },
        condition: "source.id > 1",
        delete: "source.name = 'gone'",
      },
    });
    assert.deepEqual(await shown(lake), ["1 a", "2 ay", "4 new"]);
    assert.deepEqual(await records(lake, "select count(moment) as n from t"), [{ n: 2n }]);
  });
});

Deno.test("a merge can only insert, or only update", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([1, 2]));
    await mergeInto(lake, "t", rows([2, 3], "b"), { keys: ["id"], whenMatched: {} });
    assert.deepEqual(await shown(lake), ["1 a", "2 a", "3 b"]);
    await mergeInto(lake, "t", rows([3, 4], "c"), { keys: ["id"], whenNotMatched: "ignore" });
    assert.deepEqual(await shown(lake), ["1 a", "2 a", "3 c"]);
    const { version } = await snapshot(lake, "t");
    const none = await mergeInto(lake, "t", rows([9]), { keys: ["id"], whenNotMatched: "ignore" });
    assert.equal(none, version);
  });
});

Deno.test("many small merges leave few files and the right rows", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    for (let round = 0; round < 30; round++) {
      await mergeInto(lake, "t", rows([round, round + 1000, 500], `${round}`), { keys: ["id"] });
    }
    assert.ok((await snapshot(lake, "t")).files.size <= 10);
    assert.deepEqual(
      await records(lake, "select count(*) as n, max(name) filter (id = 500) as last from t"),
      [{ n: 61n, last: "29" }],
    );
  });
});

Deno.test("rows lie in the files of their partitions, and only these are read", async () => {
  await withLake(async (lake) => {
    const days = ["2020-01-01", "2020-01-02", null, "2020-01-01"];
    const source = {
      columns: { id: [1n, 2n, 3n, 4n], day: days, place: ["a/b ü=%", "", "x", "x"] },
    };
    await createTable(lake, "t", {
      columns: [
        { name: "id", type: "long" },
        { name: "day", type: "date" },
        { name: "place", type: "string" },
      ],
      partitionBy: ["day", "place"],
    });
    await appendTo(lake, "t", source);
    const { files, partitionColumns } = await snapshot(lake, "t");
    assert.deepEqual([partitionColumns, files.size], [["day", "place"], 4]);
    const found = "select id, day::varchar as day, place from t";
    assert.deepEqual(await records(lake, `${found} where id = 1`), [
      { id: 1n, day: "2020-01-01", place: "a/b ü=%" },
    ]);
    assert.deepEqual(await records(lake, `${found} where day = '2020-01-02'`), [
      { id: 2n, day: "2020-01-02", place: null }, // The protocol cannot tell '' from null.
    ]);
    assert.deepEqual(await records(lake, `select id from t where day is null`), [{ id: 3n }]);
    const only = { columns: { id: [7n], day: ["2020-01-01"], place: ["x"] } };
    await overwriteTable(lake, "t", only, { replaceWhere: "day = '2020-01-01'" });
    assert.deepEqual(await records(lake, "select id from t order by id"), [
      { id: 2n },
      { id: 3n },
      { id: 7n },
    ]);
    const other = { columns: { id: [7n], day: ["2020-01-09"], place: ["x"] } };
    await assert.rejects(
      overwriteTable(lake, "t", other, { replaceWhere: "day = '2020-01-01'" }),
      SchemaError,
    );
    await mergeInto(lake, "t", only, { keys: ["id"], whenMatched: { update: { place: "'y'" } } });
    await deleteFrom(lake, "t", "day = '2020-01-02'");
    assert.deepEqual(await records(lake, "select id, place from t order by id"), [
      { id: 3n, place: "x" },
      { id: 7n, place: "y" },
    ]);
  });
});

Deno.test("more than sixteen partitions come back as they went in", async () => {
  await withLake(async (lake) => {
    await overwriteTable(
      lake,
      "t",
      { sql: "select i as id, i % 40 as p, i % 3 as q from range(400) r(i)" },
      { partitionBy: ["p", "q"] },
    );
    assert.deepEqual(
      await records(lake, "select count(*) as n, sum(p)::int as p from t where q = 1 and p < 20"),
      [{ n: 67n, p: 640 }],
    );
    assert.deepEqual(await records(lake, "select sum(id)::int as s from t"), [{ s: 79800 }]);
  });
});

Deno.test("data files that cannot match a query are not opened", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    for (const id of [1, 2, 3, 4, 5, 6]) await appendTo(lake, "t", rows([id, id + 100], `n${id}`));
    const files = [...(await snapshot(lake, "t")).files.values()];
    for (const file of files.slice(1)) await Deno.remove(`${root}/clickstream/t/${file.path}`);
    for (
      const where of ["id < 2", "t.id in (1)", "name = 'n1' and id > 0", "id between -5 and 1"]
    ) {
      assert.deepEqual(await records(lake, `select id from t where ${where} and id < 9`), [
        { id: 1n },
      ]);
    }
    await assert.rejects(records(lake, "select id from t where id < 3"), {
      name: "CorruptTableError",
    });
    const before = (await snapshot(lake, "t")).version;
    await assert.rejects(deleteFrom(lake, "t", "id = 2"), { name: "CorruptTableError" });
    await assert.rejects(mergeInto(lake, "t", rows([2]), { keys: ["id"] }), {
      name: "CorruptTableError",
    });
    assert.equal((await snapshot(lake, "t")).version, before);
  });
});

Deno.test("a merge reads only the partitions, days and times that its keys can lie in", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", {
      columns: [
        { name: "part", type: "integer" },
        { name: "day", type: "date" },
        { name: "moment", type: "timestamp" },
        { name: "n", type: "long" },
      ],
      partitionBy: ["part"],
    });
    const row = (part: number, day: string, moment: number, n: number) => ({
      columns: { part: [part], day: [day], moment: [moment], n: [n] },
    });
    for (const [part, day, moment] of [[1, 1, 1], [2, 1, 1], [1, 2, 1], [1, 1, 5000]] as const) {
      await appendTo(lake, "t", row(part, `2020-01-0${day}`, moment, 0));
    }
    const [wanted, ...others] = [...(await snapshot(lake, "t")).files.values()];
    for (const { path } of others) await Deno.remove(`${root}/clickstream/t/${path}`);
    await mergeInto(lake, "t", row(1, "2020-01-01", 1, 7), { keys: ["part", "day", "moment"] });
    const { files } = await snapshot(lake, "t");
    assert.deepEqual([files.has(wanted!.path), files.size], [false, 4]);
    for (const { path } of others) assert.ok(files.has(path));
  });
});

Deno.test("a file of which the log tells that all rows match is taken out unread, and no other", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    const long = "n".repeat(40);
    await appendTo(lake, "t", rows([1, 2], "gone"));
    const [unread] = [...(await snapshot(lake, "t")).files.values()];
    await Deno.remove(`${root}/clickstream/t/${unread!.path}`);
    await appendTo(lake, "t", { columns: { id: [3n, 4n], name: ["gone", "b"] } });
    await appendTo(lake, "t", { columns: { id: [5n, 6n], name: ["gone", null] } });
    await appendTo(lake, "t", { columns: { id: [7n, 8n], name: [long, `${long}s`] } });
    const source = { columns: { id: [9n], name: ["gone"] } };
    await overwriteTable(lake, "t", source, { replaceWhere: "name in ('gone', 'x')" });
    const kept = ["4 b", "6 -", `7 ${long}`, `8 ${long}s`];
    assert.deepEqual(await shown(lake), [...kept, "9 gone"].sort());
    await deleteFrom(lake, "t", `name = '${long}' or name = 'gone' and id = 9`);
    assert.deepEqual(await shown(lake), ["4 b", "6 -", `8 ${long}s`]);
  });
});

Deno.test("replacing no rows by none commits nothing", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([1, 2]));
    const { version } = await snapshot(lake, "t");
    const none = { sql: "select * from t where false" };
    assert.equal(await overwriteTable(lake, "t", none, { replaceWhere: "id = 9" }), version);
  });
});

Deno.test("columns are added by hand or with the rows that bring them", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([1]));
    await addColumns(lake, "t", [{ name: "price", type: "decimal(10,2)" }]);
    const more = { columns: { id: [2n], price: ["1.10"], note: ["n"] } };
    await assert.rejects(appendTo(lake, "t", more), SchemaError);
    await appendTo(lake, "t", more, { mergeSchema: true });
    const merged = { columns: { id: [1n], extra: [5n] } };
    await mergeInto(lake, "t", merged, { keys: ["id"], mergeSchema: true });
    assert.deepEqual(
      await records(lake, "select id, price::varchar as price, note, extra from t order by id"),
      [
        { id: 1n, price: null, note: null, extra: 5n },
        { id: 2n, price: "1.10", note: "n", extra: null },
      ],
    );
    const names = (await snapshot(lake, "t")).schema.map((column) => column.name);
    assert.deepEqual(names, ["id", "name", "moment", "price", "note", "extra"]);
  });
});

Deno.test("the rows that changed between two versions are told, whatever wrote them", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([1, 2, 3]));
    await mergeInto(lake, "t", rows([2, 4], "b"), { keys: ["id"] });
    await deleteFrom(lake, "t", "id = 3");
    const told = async (keys?: string[]) => {
      const relation = await changesBetween(lake, "t", 1, 3, keys === undefined ? {} : { keys });
      const found = await records(
        lake,
        `select _change_type as kind, id from ${relation} order by all`,
      );
      return found.map(({ kind, id }) => `${kind} ${id}`);
    };
    assert.deepEqual(await told(), ["delete 2", "delete 3", "insert 2", "insert 4"]);
    assert.deepEqual(await told(["id"]), [
      "delete 3",
      "insert 4",
      "update_postimage 2",
      "update_preimage 2",
    ]);
  });
});

Deno.test("values that do not fit, or a table that only takes appends, leave it as it was", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns, properties: { "delta.appendOnly": "true" } });
    await appendTo(lake, "t", rows([1]));
    await assert.rejects(deleteFrom(lake, "t", "true"), UnsupportedTableError);
    await assert.rejects(overwriteTable(lake, "t", rows([2])), UnsupportedTableError);
    await assert.rejects(appendTo(lake, "t", { sql: "select 'x' as id" }), SchemaError);
    await assert.rejects(mergeInto(lake, "t", rows([7, 7]), { keys: ["id"] }), DuplicateKeyError);
    assert.equal((await snapshot(lake, "t")).version, 1);
  });
});
