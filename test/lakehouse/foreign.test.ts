import assert from "node:assert/strict";
import { join } from "node:path";
import {
  appendTo,
  closeLakehouse,
  CorruptTableError,
  createTable,
  deleteFrom,
  type Lakehouse,
  mergeInto,
  openLakehouse,
  records,
  snapshot,
  UnsupportedTableError,
} from "clickstream/lakehouse";
import { columns, rows, withLake } from "./support.ts";

/** Writes a further log entry as another program might. */
async function commit(lake: Lakehouse, root: string, actions: unknown[]): Promise<void> {
  const version = (await snapshot(lake, "t")).version + 1;
  const file = join(
    root,
    "clickstream/t/_delta_log",
    `${String(version).padStart(20, "0")}.json`,
  );
  await Deno.writeTextFile(file, actions.map((action) => JSON.stringify(action)).join("\n"));
}

const protocols = [
  {
    what: "deletionVectors",
    protocol: {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ["deletionVectors"],
      writerFeatures: ["deletionVectors"],
    },
  },
  { what: "column mapping", protocol: { minReaderVersion: 2, minWriterVersion: 5 } },
  { what: "version 9", protocol: { minReaderVersion: 9, minWriterVersion: 9 } },
];

for (const { what, protocol } of protocols) {
  Deno.test(`a table that needs a reader with ${what} is refused by that name`, async () => {
    await withLake(async (lake, root) => {
      await createTable(lake, "t", { columns });
      await commit(lake, root, [{ protocol }]);
      await assert.rejects(
        snapshot(lake, "t"),
        (error) => error instanceof UnsupportedTableError && error.message.includes(what),
      );
      await assert.rejects(appendTo(lake, "t", rows([1])), UnsupportedTableError);
    });
  });
}

Deno.test("a table whose log begins with a checkpoint of another kind is refused by its feature", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([1]));
    const log = join(root, "clickstream/t/_delta_log");
    const name = `${"1".padStart(20, "0")}.checkpoint.${crypto.randomUUID()}.json`;
    await Deno.writeTextFile(join(log, name), "{}");
    const fresh = await openLakehouse(root, { threads: 1 });
    assert.equal((await snapshot(fresh, "t")).version, 1); // The entries alone say it all.
    await closeLakehouse(fresh);
    await Deno.remove(join(log, `${"0".repeat(20)}.json`));
    const other = await openLakehouse(root, { threads: 1 });
    await assert.rejects(
      snapshot(other, "t"),
      (error) => error instanceof UnsupportedTableError && error.message.includes("v2Checkpoint"),
    );
    await closeLakehouse(other);
  });
});

Deno.test("a table that only newer writers may change can be read, and is left alone", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([1]));
    await commit(lake, root, [{ protocol: { minReaderVersion: 1, minWriterVersion: 4 } }]);
    assert.deepEqual(await records(lake, "select id from t"), [{ id: 1n }]);
    await assert.rejects(appendTo(lake, "t", rows([2])), /writer version 4/);
    await assert.rejects(deleteFrom(lake, "t", "true"), UnsupportedTableError);
    assert.equal((await snapshot(lake, "t")).version, 2);
  });
});

Deno.test("a damaged data file is named", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([1, 2, 3]));
    const [path] = [...(await snapshot(lake, "t")).files.keys()];
    const file = join(root, "clickstream/t", path!);
    const bytes = await Deno.readFile(file);
    for (const damaged of [bytes.subarray(0, bytes.length - 7), new Uint8Array(0)]) {
      await Deno.writeFile(file, damaged);
      await assert.rejects(
        records(lake, "select * from t"),
        (error) => error instanceof CorruptTableError && error.message.includes("data_0.parquet"),
      );
    }
  });
});

Deno.test("a data file damaged in its middle is refused, and no write goes on from it", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    const sql = "select i as id, md5(i::text) as name from range(50000) r(i)";
    await appendTo(lake, "t", { sql });
    const [path] = [...(await snapshot(lake, "t")).files.keys()];
    const file = join(root, "clickstream/t", path!);
    const bytes = await Deno.readFile(file);
    bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 1000);
    await Deno.writeFile(file, bytes);
    await assert.rejects(records(lake, "select max(name) from t"), CorruptTableError);
    await assert.rejects(deleteFrom(lake, "t", "name > 'f'"), CorruptTableError);
    await assert.rejects(mergeInto(lake, "t", rows([1, 2]), { keys: ["id"] }), CorruptTableError);
    assert.equal((await snapshot(lake, "t")).version, 1);
  });
});
