import assert from "node:assert/strict";
import { join } from "node:path";
import {
  appendTo,
  closeLakehouse,
  createTable,
  deleteFrom,
  DeltaError,
  type Lakehouse,
  mergeInto,
  openLakehouse,
  records,
  snapshot,
} from "clickstream/lakehouse";
import { localStorage } from "../../lib/lakehouse/localStorage.ts";
import { withHome } from "../support.ts";
import { columns, rows } from "./support.ts";

const full = (error: unknown) =>
  error instanceof DeltaError && /No space left|disk is full/.test(error.message);

/** Each of the writes ends by a named error, and the table is what it was. */
async function refusesAll(lake: Lakehouse, writes: (() => Promise<unknown>)[]): Promise<void> {
  const { version } = await snapshot(lake, "t");
  const before = await records(lake, "select * from t order by id");
  for (const write of writes) await assert.rejects(write(), full);
  assert.equal((await snapshot(lake, "t")).version, version);
  assert.deepEqual(await records(lake, "select * from t order by id"), before);
}

const isRoot = Deno.build.os === "linux" && Deno.uid() === 0;
const mount = async (...args: string[]) =>
  (await new Deno.Command(args[0]!, {
    args: args.slice(1),
    stderr: "null",
  }).output().catch(() => ({ success: false }))).success;

Deno.test({
  name: "on a full disk a write is refused by name, leaves the table, and works once there is room",
  ignore: !isRoot,
  fn: async () => {
    await withHome(async (home) => {
      const disk = join(home, "disk");
      await Deno.mkdir(disk);
      if (!await mount("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk)) {
        return console.log("No small disk can be made here: left out.");
      }
      const lake = await openLakehouse(join(disk, "lakehouse"), { threads: 1 });
      try {
        await createTable(lake, "t", { columns });
        await appendTo(lake, "t", rows([1, 2, 3]));
        const large = { sql: "select i as id, md5(i::text) as name from range(200000) r(i)" };
        await refusesAll(lake, [
          () => appendTo(lake, "t", large),
          () => mergeInto(lake, "t", large, { keys: ["id"] }),
        ]);
        await appendTo(lake, "t", rows([4]));
        const [row] = await records(lake, "select count(*)::int as n from t");
        assert.equal(row!.n, 4);
      } finally {
        await closeLakehouse(lake);
        assert.ok(await mount("umount", disk));
      }
    });
  },
});

Deno.test("a storage that has no room for the log entry leaves the table as it was", async () => {
  await withHome(async (home) => {
    const root = join(home, "lakehouse");
    const files = localStorage(root);
    let room = true;
    const storage = {
      ...files,
      putIfAbsent: (path: string, bytes: Uint8Array) =>
        room
          ? files.putIfAbsent(path, bytes)
          : Promise.reject(new Error("ENOSPC: No space left on device (os error 28)")),
    };
    const lake = await openLakehouse(root, { threads: 1, storage });
    try {
      await createTable(lake, "t", { columns });
      await appendTo(lake, "t", rows([1, 2, 3]));
      room = false;
      await refusesAll(lake, [
        () => appendTo(lake, "t", rows([4])),
        () => mergeInto(lake, "t", rows([1]), { keys: ["id"] }),
        () => deleteFrom(lake, "t", "id = 1"),
      ]);
      room = true;
      await deleteFrom(lake, "t", "id = 1");
    } finally {
      await closeLakehouse(lake);
    }
  });
});
