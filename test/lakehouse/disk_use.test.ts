import assert from "node:assert/strict";
import { appendTo, createTable, diskUse, overwriteTable, vacuum } from "clickstream/lakehouse";
import { columns, rows, withLake } from "./support.ts";

Deno.test("disk use tells live rows and bytes, what old versions hold, and what vacuum freed", async () => {
  await withLake(async (lake) => {
    assert.deepEqual(await diskUse(lake), []);
    await createTable(lake, "t", { columns });
    await appendTo(lake, "t", rows([1, 2, 3]));
    await overwriteTable(lake, "raw.s", rows([1]));
    const [before] = (await diskUse(lake)).filter(({ table }) => table === "clickstream.t");
    assert.deepEqual([before!.rows, before!.files, before!.oldBytes], [3, 1, 0]);
    assert.ok(before!.liveBytes > 0 && before!.logBytes > 0);
    await overwriteTable(lake, "t", rows([4, 5]));
    const [after] = await diskUse(lake, ["clickstream"]);
    assert.deepEqual([after!.rows, after!.files, after!.oldBytes], [2, 1, before!.liveBytes]);
    await vacuum(lake, "t", { retentionHours: 0, allowShortRetention: true });
    assert.equal((await diskUse(lake, ["clickstream"]))[0]!.oldBytes, 0);
    assert.equal((await diskUse(lake)).length, 2);
  });
});
