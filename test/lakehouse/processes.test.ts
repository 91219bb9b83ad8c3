import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  appendTo,
  closeLakehouse,
  ConflictError,
  createTable,
  deleteFrom,
  history,
  mergeInto,
  openLakehouse,
  optimize,
  records,
  snapshot,
  vacuum,
} from "clickstream/lakehouse";
import { columns, rows, withLake } from "./support.ts";

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));

function startWorker(root: string, what: string, first: number, count: number): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", WORKER, root, what, String(first), String(count)],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

async function finish(child: Deno.ChildProcess): Promise<void> {
  for await (const _ of child.stdout) { /* Each byte is a commit. */ }
  const { code, signal } = await child.status;
  assert.deepEqual([code, signal], [0, null]);
}

Deno.test("processes that append, merge, delete and optimize at once leave what each did", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([0, -1, -2, -3, -4, -5]));
    await Promise.all([
      startWorker(root, "append", 100, 10),
      startWorker(root, "merge", 200, 8),
      startWorker(root, "delete", 300, 5),
      startWorker(root, "optimize", 0, 5),
    ].map(finish));
    const found = await records(lake, "select id::int as id from t order by id");
    const expected = [0];
    for (let id = 100; id < 110; id++) expected.push(id, -id);
    for (let id = 200; id < 208; id++) expected.push(id);
    assert.deepEqual(found.map(({ id }) => id), expected.sort((a, b) => a - b));
    const commits = await history(lake, "t");
    assert.deepEqual(commits.map(({ version }) => version), commits.map((_, i) => i).reverse());
  });
});

Deno.test("two processes that merge the same keys at once lose no row and double none", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([500, 501, 502, 503]));
    await Promise.all([500, 502].map((first) => finish(startWorker(root, "merge", first, 6))));
    const found = await records(lake, "select id::int as id from t order by id");
    assert.deepEqual(found.map(({ id }) => id), [0, 500, 501, 502, 503, 504, 505, 506, 507]);
    assert.equal((await snapshot(lake, "t")).version, 1 + 2 * 6);
  });
});

Deno.test("a writer killed at any moment leaves whole commits, and files that vacuum removes", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    for (let round = 0; round < 4; round++) {
      const child = startWorker(root, round % 2 ? "merge" : "append", 1000 * (round + 1), 1000);
      let seen = 0;
      for await (const bytes of child.stdout) if ((seen += bytes.length) >= 3 + round) break;
      child.kill("SIGKILL");
      await child.status;
    }
    // A crash between data and log, as it always comes out: a data file that no entry names.
    await Deno.mkdir(`${root}/clickstream/t/part-lost`);
    await Deno.writeTextFile(`${root}/clickstream/t/part-lost/data_0.parquet`, "");
    const fresh = await openLakehouse(root, { threads: 1 });
    const { files, version } = await snapshot(fresh, "t");
    assert.ok(version >= 3 + 4 + 5 + 6);
    const before = await records(fresh, "select id, name from t order by id");
    const now = { retentionHours: 0, allowShortRetention: true };
    const removed = await vacuum(fresh, "t", now);
    assert.ok(removed.includes("part-lost/data_0.parquet"));
    assert.ok(removed.every((path) => !files.has(path)));
    assert.deepEqual(await records(fresh, "select id, name from t order by id"), before);
    await appendTo(fresh, "t", rows([1]));
    assert.equal((await snapshot(fresh, "t")).version, version + 1);
    await closeLakehouse(fresh);
  });
});

Deno.test("readers see whole commits only, while another process writes", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    const writer = finish(startWorker(root, "append", 1, 15));
    let last = 0n;
    for (let reads = 0; reads < 30; reads++) {
      const [row] = await records(
        lake,
        "select count(*) as n, coalesce(sum(id), 0)::int as s from t",
      );
      assert.equal(row!.s, 0); // Each commit adds an id and its negative.
      assert.ok((row!.n as bigint) >= last);
      last = row!.n as bigint;
    }
    await writer;
  });
});

Deno.test("a delete goes on beside an append that cannot matter to it, and is made anew beside one that can", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([1, 2]));
    const other = await openLakehouse(root, { threads: 1 });
    await Promise.all([
      deleteFrom(lake, "t", "id between 1 and 3"),
      appendTo(other, "t", rows([50])),
      mergeInto(other, "t", rows([60]), { keys: ["id"] }),
      optimize(other, "t"),
    ]);
    await Promise.all([deleteFrom(lake, "t", "id >= 50"), appendTo(other, "t", rows([70]))]);
    const left = await records(lake, "select id::int as id from t");
    // The append came before or after the delete as a whole.
    assert.ok(left.length === 0 || (left.length === 1 && left[0]!.id === 70));
    await closeLakehouse(other);
  });
});

Deno.test("a delete is made anew when another writer moved its rows before the commit", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    for (const ids of [[1, 2], [3, 4]]) await appendTo(lake, "t", rows(ids));
    const other = await openLakehouse(root, { threads: 1 });
    const { storage } = lake;
    lake.storage = {
      ...storage,
      flush: async (paths) => {
        lake.storage = storage;
        await storage.flush(paths);
        await optimize(other, "t");
      },
    };
    await deleteFrom(lake, "t", "id = 1");
    const found = await records(lake, "select id::int as id from t order by id");
    assert.deepEqual(found.map(({ id }) => id), [2, 3, 4]);
    await closeLakehouse(other);
  });
});

Deno.test("one transaction completed by two writers at once is refused to the slower one", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    const others = await Promise.all([1, 2, 3].map(() => openLakehouse(root, { threads: 1 })));
    await Promise.all(others.map((other) => snapshot(other, "t")));
    const results = await Promise.allSettled(
      others.map((other) => appendTo(other, "t", rows([1]), { txn: [{ appId: "q", version: 1 }] })),
    );
    const refused = results.filter((result) => result.status === "rejected");
    assert.ok(refused.every((result) => result.reason instanceof ConflictError));
    const [row] = await records(lake, "select count(*) as n from t");
    assert.equal(Number(row!.n) + refused.length, 3);
    for (const other of others) await closeLakehouse(other);
  });
});

Deno.test("a writer that was replaced meanwhile and still follows its own last transaction is refused", async () => {
  await withLake(async (lake, root) => {
    await createTable(lake, "t", { columns });
    const other = await openLakehouse(root, { threads: 1 });
    const txn = (after: number, version: number) => ({ txn: [{ appId: "q", version, after }] });
    await appendTo(lake, "t", rows([1]), txn(-1, 1));
    await appendTo(other, "t", rows([2]), txn(1, 2));
    await assert.rejects(() => appendTo(lake, "t", rows([3]), txn(1, 3)), ConflictError);
    const keys = ["id"];
    await assert.rejects(
      () => mergeInto(lake, "t", rows([3]), { keys, ...txn(1, 3) }),
      ConflictError,
    );
    await mergeInto(other, "t", rows([3]), { keys, ...txn(2, 3) });
    const found = await records(lake, "select id::int as id from t order by id");
    assert.deepEqual(found.map(({ id }) => id), [1, 2, 3]);
    assert.equal((await snapshot(lake, "t")).txns.get("q"), 3);
    await closeLakehouse(other);
  });
});
