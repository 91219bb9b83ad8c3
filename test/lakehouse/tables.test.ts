import assert from "node:assert/strict";
import {
  addedBetween,
  appendTo,
  closeLakehouse,
  createTable,
  createView,
  dropTable,
  DuplicateKeyError,
  mergeInto,
  openLakehouse,
  optimize,
  overwriteTable,
  query,
  records,
  SchemaError,
  snapshot,
  tableAt,
  tableExists,
  tableWhere,
} from "clickstream/lakehouse";
import { columns, rows, withLake } from "./support.ts";

const BIG = 1_515_915_625_353_900_095n;

Deno.test("rows come back as they went in, ids beyond 2^53 and microseconds included", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([BIG, BIG + 1n]));
    assert.deepEqual(
      await records(lake, "select id, name, epoch_us(moment) as micros from t order by id"),
      [
        { id: BIG, name: "a", micros: 1_000_001n },
        { id: BIG + 1n, name: "a", micros: 1_000_001n },
      ],
    );
    const frame = await query(lake, "select id from t order by id");
    assert.deepEqual(frame.getColumn("id").toTypedArray(), BigInt64Array.of(BIG, BIG + 1n));
  });
});

Deno.test("of many appends at the same time, by two processes' handles, all succeed", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    const other = await openLakehouse(root, { threads: 1 });
    await Promise.all(
      [1n, 2n, 3n, 4n, 5n, 6n].map((id) => appendTo(id % 2n ? lake : other, "t", rows([id]))),
    );
    await closeLakehouse(other);
    assert.deepEqual(await records(lake, "select count(*) as n, sum(id)::bigint as s from t"), [
      { n: 6n, s: 21n },
    ]);
    assert.equal((await snapshot(lake, "t")).version, 6);
  });
});

Deno.test("a merge replaces rows whose key is there and inserts the others", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([1n, 2n, 3n]));
    await mergeInto(lake, "t", rows([2n, 4n], "b"), { keys: ["id"] });
    assert.deepEqual(
      await records(lake, "select id, name from t order by id"),
      [[1n, "a"], [2n, "b"], [3n, "a"], [4n, "b"]].map(([id, name]) => ({ id, name })),
    );
  });
});

Deno.test("a merge leaves files alone that cannot hold its keys", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([1n, 2n]));
    await appendTo(lake, "t", rows([100n, 101n]));
    const before = new Set((await snapshot(lake, "t")).files.keys());
    await mergeInto(lake, "t", rows([100n], "b"), { keys: ["id"] });
    const kept = [...(await snapshot(lake, "t")).files.keys()].filter((path) => before.has(path));
    assert.equal(kept.length, 1);
  });
});

Deno.test("two merges of the same keys at the same time give the result of one after the other", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    const other = await openLakehouse(root, { threads: 1 });
    await Promise.all([
      mergeInto(lake, "t", rows([1n, 2n], "a"), { keys: ["id"] }),
      mergeInto(other, "t", rows([2n, 3n], "b"), { keys: ["id"] }),
    ]);
    await closeLakehouse(other);
    assert.deepEqual(await records(lake, "select id from t order by id"), [
      { id: 1n },
      { id: 2n },
      { id: 3n },
    ]);
  });
});

Deno.test("a key twice in a merge source is refused, and the table is as it was", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    await assert.rejects(mergeInto(lake, "t", rows([1n, 1n]), { keys: ["id"] }), DuplicateKeyError);
    assert.equal((await snapshot(lake, "t")).version, 0);
  });
});

Deno.test("a null where none may be is refused, and the table is as it was", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    const source = { columns: { id: [1n, null], name: ["a", "b"], moment: [0, 0] } };
    await assert.rejects(appendTo(lake, "t", source), SchemaError);
    assert.equal((await snapshot(lake, "t")).version, 0);
  });
});

Deno.test("a commit remembers its transactions, even one without rows", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([]), { txn: [{ appId: "q/0", version: 7 }] });
    assert.equal((await snapshot(lake, "t")).txns.get("q/0"), 7);
    assert.equal((await snapshot(lake, "t")).files.size, 0);
    assert.equal(await appendTo(lake, "t", rows([])), 1); // Nothing to say: no commit.
  });
});

Deno.test("an overwrite replaces rows and properties in one commit; older versions stay readable", async () => {
  await withLake(async (lake) => {
    await overwriteTable(lake, "t", rows([1n]), { columns, properties: { a: "1" } });
    await overwriteTable(lake, "t", rows([2n]), { columns, properties: { a: "2" } });
    assert.deepEqual(await records(lake, "select id from t"), [{ id: 2n }]);
    assert.equal((await snapshot(lake, "t")).properties.a, "2");
    const old = await tableAt(lake, "t", { version: 0 });
    assert.deepEqual(await records(lake, `select id from ${old}`), [{ id: 1n }]);
  });
});

Deno.test("rows added between two versions are those of the commits in between", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    for (const id of [1n, 2n, 3n]) await appendTo(lake, "t", rows([id]));
    const added = await addedBetween(lake, "t", 1, 2);
    assert.deepEqual(await records(lake, `select id from ${added}`), [{ id: 2n }]);
    const none = await addedBetween(lake, "t", 3, 3);
    assert.deepEqual(await records(lake, `select id from ${none}`), []);
  });
});

Deno.test("a dropped table is gone, and can be made again with another schema", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([1n]));
    await dropTable(lake, "t");
    assert.equal(await tableExists(lake, "t"), false);
    await createTable(lake, "t", { columns: [{ name: "x", type: "double" }] });
    assert.deepEqual(await records(lake, "select * from t"), []);
  });
});

Deno.test("a query sees what another process committed since the last one", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    assert.deepEqual(await records(lake, "select count(*) as n from t"), [{ n: 0n }]);
    const other = await openLakehouse(root, { threads: 1 });
    await appendTo(other, "t", rows([1n]));
    await closeLakehouse(other);
    assert.deepEqual(await records(lake, "select count(*) as n from t"), [{ n: 1n }]);
  });
});

Deno.test("an append may leave absent columns out of its files, and readers see nulls", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", { sql: "select 1::bigint as id" }, { omitAbsent: true });
    await appendTo(lake, "t", { sql: "select 2::bigint as id, 'a' as name" });
    assert.deepEqual(await records(lake, "select id, name from t order by id"), [
      { id: 1n, name: null },
      { id: 2n, name: "a" },
    ]);
    await optimize(lake, "t");
    assert.deepEqual(await records(lake, "select id, name from t order by id"), [
      { id: 1n, name: null },
      { id: 2n, name: "a" },
    ]);
  });
});

Deno.test("a relation for a condition names only the files that can hold such rows", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", { sql: "select unnest([1, 2])::bigint as id" });
    await appendTo(lake, "t", { sql: "select unnest([10, 11])::bigint as id" });
    const relation = await tableWhere(lake, "t", "id >= 11");
    assert.equal(relation.match(/\.parquet/g)?.length, 1);
    const connection = await lake.connect();
    const found = await connection.runAndReadAll(`select id from ${relation}`);
    assert.deepEqual(found.getRows(), [[11n]]);
    connection.closeSync();
  });
});

Deno.test("a stored view is read like a table, at the newest version of what it is over", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "raw.t", { columns });
    await createView(lake, "raw.doubled", "select 2 * id as twice from raw.t");
    await appendTo(lake, "raw.t", { sql: "select 4::bigint as id" });
    assert.deepEqual(await records(lake, "select twice from raw.doubled"), [{ twice: 8n }]);
    await appendTo(lake, "raw.t", { sql: "select 5::bigint as id" });
    assert.deepEqual(await records(lake, "select sum(twice)::int as n from raw.doubled"), [{
      n: 18,
    }]);
  });
});
