import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { openBatchLog } from "../../lib/streaming/batch_log.ts";
import { BatchPlan } from "../../lib/streaming/batch_plan.ts";
import { withHome } from "../support.ts";

const batch = (end: number) => ({ ends: { "0": end }, watermark: null });

Deno.test("planned batches are there again after a restart, in order", async () => {
  await withHome((home) => {
    const path = join(home, "stream", "batches.jsonl");
    const log = openBatchLog(path);
    log.append(batch(4));
    log.append(batch(9));
    log.close();
    const again = openBatchLog(path);
    assert.deepEqual(again.recovered, [batch(4), batch(9)]);
    again.close();
    return Promise.resolve();
  });
});

Deno.test("where an earlier process's batches ended is known of every partition", async () => {
  await withHome((home) => {
    const path = join(home, "batches.jsonl");
    const log = openBatchLog(path);
    for (const ends of [{ "0": 4, "1": 2 }, { "0": 9 }]) log.append({ ends, watermark: null });
    log.close();
    const again = openBatchLog(path);
    // Of those that the tables hold too, as the store may have been told more than once.
    const plan = new BatchPlan(again, new Map([[0, 4], [1, 2]]));
    assert.deepEqual([...plan.recovered], [[0, 9], [1, 2]]);
    again.close();
    return Promise.resolve();
  });
});

Deno.test("a line that a crash cut off is dropped", async () => {
  await withHome((home) => {
    const path = join(home, "batches.jsonl");
    const log = openBatchLog(path);
    log.append(batch(4));
    log.close();
    appendFileSync(path, '{"ends":{"0":');
    const again = openBatchLog(path);
    assert.deepEqual(again.recovered, [batch(4)]);
    again.append(batch(9));
    again.close();
    const third = openBatchLog(path);
    assert.deepEqual(third.recovered, [batch(4), batch(9)]);
    third.close();
    return Promise.resolve();
  });
});

Deno.test("batches that the tables hold are forgotten, so that the log stays small", async () => {
  await withHome((home) => {
    const path = join(home, "batches.jsonl");
    const log = openBatchLog(path);
    for (let end = 0; end < 300; end++) log.append(batch(end));
    log.forget((planned) => planned.ends["0"]! < 290);
    log.append(batch(300));
    log.close();
    const again = openBatchLog(path);
    assert.deepEqual(again.recovered.map((b) => b.ends["0"]), [
      ...[290, 291, 292, 293, 294, 295, 296, 297, 298, 299, 300],
    ]);
    again.close();
    return Promise.resolve();
  });
});
