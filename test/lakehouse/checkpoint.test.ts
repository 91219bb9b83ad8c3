import assert from "node:assert/strict";
import { join } from "node:path";
import {
  appendTo,
  checkpoint,
  cleanUpLog,
  closeLakehouse,
  CorruptTableError,
  createTable,
  history,
  mergeInto,
  openLakehouse,
  records,
  snapshot,
  TableNotFoundError,
} from "clickstream/lakehouse";
import { columns, rows, withLake } from "./support.ts";

const entry = (root: string, version: number) =>
  join(root, "clickstream/t/_delta_log", `${String(version).padStart(20, "0")}.json`);

Deno.test("every tenth commit leaves a checkpoint from which the table is read again", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns, properties: { a: "ä" }, description: "d" });
    for (let id = 1; id <= 10; id++) {
      await appendTo(lake, "t", rows([id]), { txn: [{ appId: "q", version: id }] });
    }
    await mergeInto(lake, "t", rows([3], "b"), { keys: ["id"] });
    await Promise.all(lake.background);
    const log = join(root, "clickstream/t/_delta_log");
    assert.equal(JSON.parse(await Deno.readTextFile(join(log, "_last_checkpoint"))).version, 10);
    await Deno.remove(entry(root, 0)); // Without the checkpoint the table could not be read now.
    const other = await openLakehouse(root, { threads: 1 });
    const [ours, theirs] = [await snapshot(lake, "t"), await snapshot(other, "t")];
    assert.deepEqual([...theirs.files.keys()].sort(), [...ours.files.keys()].sort());
    assert.deepEqual([...theirs.txns], [["q", 10]]);
    assert.deepEqual([theirs.properties, theirs.description], [{ a: "ä" }, "d"]);
    assert.deepEqual(theirs.schema, ours.schema);
    assert.deepEqual(await records(other, "select sum(id)::int as s from t"), [{ s: 55 }]);
    await closeLakehouse(other);
  });
});

Deno.test("old entries that a checkpoint covers are cleaned up, newer ones stay", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    for (let id = 1; id <= 4; id++) {
      await appendTo(lake, "t", rows([id]));
      if (id === 3) await checkpoint(lake, "t");
    }
    assert.equal(await cleanUpLog(lake, "t"), 0);
    const old = new Date(Date.now() - 31 * 86_400_000);
    for (let version = 0; version <= 3; version++) {
      await Deno.utime(entry(root, version), old, old);
    }
    assert.equal(await cleanUpLog(lake, "t"), 3);
    assert.equal((await snapshot(lake, "t", { version: 3 })).files.size, 3);
    await assert.rejects(snapshot(lake, "t", { version: 1 }), TableNotFoundError);
    const other = await openLakehouse(root, { threads: 1 });
    assert.equal((await snapshot(other, "t")).files.size, 4);
    await closeLakehouse(other);
  });
});

Deno.test("a table is found as it was at a time, and its history tells the times", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    for (const id of [1, 2]) await appendTo(lake, "t", rows([id]));
    for (const [version, day] of [[0, 1], [1, 2], [2, 3]]) {
      const time = new Date(Date.UTC(2020, 0, day));
      await Deno.utime(entry(root, version!), time, time);
    }
    const at = (text: string) => snapshot(lake, "t", { timestamp: new Date(text) });
    assert.equal((await at("2020-01-02T00:00:00Z")).version, 1);
    assert.equal((await at("2020-01-02T23:59:59Z")).version, 1);
    assert.equal((await at("2021-01-01T00:00:00Z")).version, 2);
    await assert.rejects(at("2019-12-31T00:00:00Z"), TableNotFoundError);
    const told = await history(lake, "t", { limit: 2 });
    assert.deepEqual(
      told.map((entry) => [entry.version, entry.operation, entry.timestamp.toISOString()]),
      [[2, "WRITE", "2020-01-03T00:00:00.000Z"], [1, "WRITE", "2020-01-02T00:00:00.000Z"]],
    );
  });
});

Deno.test("a missing or unreadable log entry or checkpoint is named, and no commit goes on", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    for (const id of [1, 2, 3]) await appendTo(lake, "t", rows([id]));
    const names = { message: /log entry 2/, name: "CorruptTableError" };
    const bytes = await Deno.readFile(entry(root, 2));
    const attempt = async () => {
      const other = await openLakehouse(root, { threads: 1 });
      try {
        await appendTo(other, "t", rows([9]));
      } finally {
        await closeLakehouse(other);
      }
    };
    await Deno.remove(entry(root, 2));
    await assert.rejects(attempt, names);
    await Deno.writeFile(entry(root, 2), bytes.subarray(0, bytes.length - 9));
    await assert.rejects(attempt, names);
    await Deno.writeFile(entry(root, 2), bytes);
    await checkpoint(lake, "t");
    const file = entry(root, 3).replace(".json", ".checkpoint.parquet");
    await Deno.writeTextFile(file, "no parquet");
    await assert.rejects(attempt, CorruptTableError);
    await Deno.remove(file); // Then the log alone says it all.
    await attempt();
    assert.equal((await snapshot(lake, "t")).version, 4);
  });
});
