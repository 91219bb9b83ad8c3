import assert from "node:assert/strict";
import {
  appendTo,
  closeLakehouse,
  type Column,
  createTable,
  deleteFrom,
  mergeInto,
  openLakehouse,
  overwriteTable,
  query,
  records,
  SchemaError,
} from "clickstream/lakehouse";
import { withLake } from "./support.ts";

Deno.test("a value that would be rounded or reinterpreted is refused, an exact one is kept", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", {
      columns: [
        { name: "id", type: "long" },
        { name: "price", type: "double" },
        { name: "amount", type: "decimal(10,2)" },
        { name: "day", type: "date" },
        { name: "moment", type: "timestamp" },
      ],
    });
    const inexact = [
      "1.5 as id",
      "1.5::double as id",
      "'17' as id",
      "true as id",
      "9007199254740993 as price",
      "1.239 as amount",
      "timestamp '2020-01-01 10:00:00' as day",
      "5 as moment",
      "timestamp 'infinity' as moment",
    ];
    for (const column of inexact) {
      await assert.rejects(appendTo(lake, "t", { sql: `select ${column}` }), SchemaError, column);
    }
    await appendTo(lake, "t", {
      sql: `select 7.0::double as id, 9007199254740992 as price, 1.230 as amount,
        timestamp '2020-01-01' as day, date '2020-01-01' as moment`,
    });
    await appendTo(lake, "t", { sql: "select null as id, null as moment, sum(2) as price" });
    assert.deepEqual(await records(lake, "select *, epoch_us(moment) us from t order by id"), [
      {
        id: 7n,
        price: 9007199254740992,
        amount: 1.23,
        day: new Date("2020-01-01"),
        moment: new Date("2020-01-01"),
        us: 1577836800000000n,
      },
      { id: null, price: 2, amount: null, day: null, moment: null, us: null },
    ]);
    const tooGreat = query(lake, "select sum(9007199254740993) as s from t");
    await assert.rejects(tooGreat, SchemaError);
    assert.deepEqual((await query(lake, "select sum(id) as s from t")).getColumn("s").toArray(), [
      7,
    ]);
  });
});

Deno.test("a commit is put into the log once its data files are forced to the disk", async () => {
  await withLake(async (lake) => {
    const { storage } = lake;
    const flushed = new Set<string>();
    const commits: string[][] = [];
    lake.storage = {
      ...storage,
      flush: async (paths) => {
        await storage.flush(paths);
        for (const path of paths) flushed.add(path);
      },
      putIfAbsent: (path, bytes) => {
        const entry = new TextDecoder().decode(bytes).matchAll(/"add":\{"path":"([^"]+)"/g);
        const added = [...entry].map(([, file]) => `clickstream/t/${file}`);
        commits.push(added.filter((file) => !flushed.has(file)));
        return storage.putIfAbsent(path, bytes);
      },
    };
    await overwriteTable(lake, "t", { sql: "select range as id from range(5)" });
    await appendTo(lake, "t", { sql: "select 7 as id" });
    await mergeInto(lake, "t", { sql: "select 3 as id" }, { keys: ["id"] });
    await deleteFrom(lake, "t", "id = 4");
    assert.ok(flushed.size >= 4);
    assert.deepEqual(commits, [[], [], [], []]);
  });
});

Deno.test("an append goes by the columns that the table has when it is committed", async () => {
  await withLake(async (lake, root) => {
    const other = await openLakehouse(root, { threads: 1 });
    const column = (nullable: boolean): Column[] => [{ name: "id", type: "long", nullable }];
    const { storage } = lake;
    try {
      for (const [value, fits] of [["7", true], ["null::bigint", false]] as const) {
        await overwriteTable(lake, "t", { sql: "select 0 as id" }, { columns: column(true) });
        // Another writer is faster: between this one's data files and its commit.
        lake.storage = {
          ...storage,
          flush: async (paths) => {
            lake.storage = storage;
            await storage.flush(paths);
            await overwriteTable(other, "t", { sql: "select 1 as id" }, { columns: column(false) });
          },
        };
        const append = appendTo(lake, "t", { sql: `select ${value} as id` });
        if (fits) await append;
        else await assert.rejects(append, SchemaError);
        const ids = await records(lake, "select id from t order by id");
        assert.deepEqual(ids, fits ? [{ id: 1n }, { id: 7n }] : [{ id: 1n }]);
      }
    } finally {
      await closeLakehouse(other);
    }
  });
});
