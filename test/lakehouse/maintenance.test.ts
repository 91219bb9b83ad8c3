import assert from "node:assert/strict";
import { join } from "node:path";
import {
  addedBetween,
  appendTo,
  closeLakehouse,
  CorruptTableError,
  createTable,
  deleteFrom,
  DeltaError,
  openLakehouse,
  optimize,
  overwriteTable,
  records,
  restoreTable,
  snapshot,
  tableAt,
  vacuum,
} from "clickstream/lakehouse";
import { columns, rows, withLake } from "./support.ts";

Deno.test("vacuum removes what no version within the retention needs, and strays", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([1, 2]));
    await deleteFrom(lake, "t", "id = 1");
    const stray = join(root, "clickstream/t/part-stray");
    await Deno.mkdir(stray);
    await Deno.writeTextFile(join(stray, "data_0.parquet"), "half a file");
    assert.deepEqual(await vacuum(lake, "t"), []);
    await assert.rejects(vacuum(lake, "t", { retentionHours: 0 }), DeltaError);
    const now = { retentionHours: 0, allowShortRetention: true };
    const planned = await vacuum(lake, "t", { ...now, dryRun: true });
    assert.equal(planned.length, 2);
    assert.ok(planned.includes("part-stray/data_0.parquet"));
    assert.deepEqual(await vacuum(lake, "t", now), planned);
    await assert.rejects(Deno.stat(stray), Deno.errors.NotFound);
    assert.deepEqual(await records(lake, "select id from t"), [{ id: 2n }]);
    await assert.rejects(restoreTable(lake, "t", { version: 1 }), CorruptTableError);
    const old = await tableAt(lake, "t", { version: 1 });
    await assert.rejects(records(lake, `select * from ${old}`), CorruptTableError);
  });
});

Deno.test("vacuum goes by the retention that the table asks for", async () => {
  await withLake(async (lake, root) => {
    const properties = { "delta.deletedFileRetentionDuration": "interval 2 hours" };
    await createTable(lake, "t", { columns, properties });
    await appendTo(lake, "t", rows([1, 2]));
    const [path] = [...(await snapshot(lake, "t")).files.keys()];
    const old = new Date(Date.now() - 3 * 3_600_000);
    await Deno.utime(join(root, "clickstream/t", path!), old, old);
    await deleteFrom(lake, "t", "id = 1");
    assert.deepEqual(await vacuum(lake, "t"), []); // Written long ago, but taken out just now.
    await assert.rejects(vacuum(lake, "t", { retentionHours: 1 }), /keeps files for 2 hours/);
    const log = join(root, "clickstream/t/_delta_log/00000000000000000002.json");
    const entry = await Deno.readTextFile(log);
    const earlier = entry.replace(/"deletionTimestamp":\d+/, `"deletionTimestamp":${Number(old)}`);
    await Deno.writeTextFile(log, `${earlier}\n`);
    const fresh = await openLakehouse(root, { threads: 1 });
    assert.deepEqual(await vacuum(fresh, "t"), [path]);
    assert.deepEqual(await records(fresh, "select id from t"), [{ id: 2n }]);
    await closeLakehouse(fresh);
  });
});

Deno.test("optimize puts small files together, and sorts, without changing a row", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    for (const id of [3, 1, 2]) await appendTo(lake, "t", rows([id, id + 10]));
    const before = await records(lake, "select * from t order by id");
    const [version] = [await optimize(lake, "t")];
    assert.equal((await snapshot(lake, "t")).files.size, 1);
    assert.equal(await optimize(lake, "t"), version);
    const added = await addedBetween(lake, "t", version - 1, version);
    assert.deepEqual(await records(lake, `select * from ${added}`), []);
    await optimize(lake, "t", { sortBy: ["id"] });
    assert.deepEqual(await records(lake, "select * from t"), before);
  });
});

Deno.test("optimize keeps partitions apart and can be held to some", async () => {
  await withLake(async (lake) => {
    const source = { sql: "select i as id, i % 2 as p from range(6) r(i)" };
    await overwriteTable(lake, "t", source, { partitionBy: ["p"] });
    await appendTo(lake, "t", source);
    await optimize(lake, "t", { where: "p = 1" });
    assert.equal((await snapshot(lake, "t")).files.size, 3);
    assert.deepEqual(
      await records(lake, "select p, count(*) as n from t group by p order by p"),
      [{ p: 0n, n: 6n }, { p: 1n, n: 6n }],
    );
  });
});

Deno.test("a restored table has the rows and columns of the version, as a new one", async () => {
  await withLake(async (lake) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([1]));
    await overwriteTable(lake, "t", { columns: { other: ["x"] } }, {
      columns: [{ name: "other", type: "string" }],
    });
    assert.equal(await restoreTable(lake, "t", { version: 1 }), 3);
    assert.deepEqual(await records(lake, "select id, name from t"), [{ id: 1n, name: "a" }]);
    assert.equal(await restoreTable(lake, "t", { version: 3 }), 3);
  });
});
