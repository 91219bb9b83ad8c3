import assert from "node:assert/strict";
import { join } from "node:path";
import { homePaths } from "clickstream/config";
import { appendTo, createTable, records } from "clickstream/lakehouse";
import {
  checkConsistency,
  countTies,
  dueMidnights,
  openProducer,
  runDailyBatch,
} from "clickstream/streaming";
import { runLiveHalf, runShopCommand, type SmallShop, withShop } from "./shop.ts";

/** Files below a folder that hold a text, as it is or in parquet. */
async function tablesWith(shop: SmallShop, user: bigint): Promise<string[]> {
  const folder = join(homePaths(shop.config).lakehouse, "clickstream");
  const found: string[] = [];
  for (const { name } of Deno.readDirSync(folder)) {
    const files = `${join(folder, name)}/**/*.parquet`;
    const rows = await records(
      shop.lake,
      `select columns(c -> c in ('user_id', 'body')) from read_parquet('${files}',
         union_by_name = true) limit 0`,
    ).then(() => true, () => false);
    if (!rows) continue;
    const [row] = await records(
      shop.lake,
      `select count(*) as n from (select cast(columns(c -> c in ('user_id', 'body')) as varchar)
         from read_parquet('${files}', union_by_name = true)) as t where cast(t as varchar) like '%${user}%'`,
    );
    if (Number(row!.n) > 0) found.push(name);
  }
  return found;
}

Deno.test(
  "a forgotten user is in no file of any table and in no document, and everything else is as if they had never come",
  { sanitizeOps: false, sanitizeResources: false },
  async () => {
    await withShop(3000, async (shop) => {
      await runLiveHalf(shop);
      for (const midnight of dueMidnights(shop.config).slice(0, 2)) {
        await runDailyBatch(shop, midnight);
      }
      const [busy] = await records(
        shop.lake,
        `select user_id from electronics_events_silver group by user_id
         having count(partition) > 0 and count(*) > count(partition) order by count(*) desc limit 1`,
      );
      const user = busy!.user_id as bigint;
      await createTable(shop.lake, "inference_log", {
        columns: [{ name: "user_id", type: "long", nullable: true }],
      });
      await appendTo(shop.lake, "inference_log", { columns: { user_id: [user, 1n] } });
      assert.ok((await tablesWith(shop, user)).length >= 10);
      const { code, stdout, stderr } = await runShopCommand(
        shop,
        "lib/streaming/commands/forget.ts",
        [String(user)],
      );
      assert.equal(code, 0, stderr);
      assert.match(stdout, /electronics_events_silver/);
      assert.deepEqual(await tablesWith(shop, user), []);
      const results = await checkConsistency(shop);
      assert.deepEqual(results.filter((r) => r.differing + r.missing + r.extra > 0), []);
      const ties = (await countTies(shop)).filter((tie) => !tie.ok);
      assert.deepEqual(ties, []);
    });
  },
);

Deno.test(
  "nobody is forgotten while the hub holds messages that would bring them back",
  { sanitizeOps: false, sanitizeResources: false },
  async () => {
    await withShop(1500, async (shop) => {
      await runLiveHalf(shop);
      const producer = openProducer(shop);
      await producer.sendBatch([{ body: "x" }]);
      await producer.close();
      const { code, stderr } = await runShopCommand(
        shop,
        "lib/streaming/commands/forget.ts",
        ["1"],
      );
      assert.equal(code, 1);
      assert.match(stderr, /holds 1 messages/);
    });
  },
);
