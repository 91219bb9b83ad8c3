import assert from "node:assert/strict";
import { deleteFrom, records, updateTable } from "clickstream/lakehouse";
import { containerOf, deleteDocuments, overwriteDocuments } from "clickstream/online";
import {
  checkConsistency,
  type Consistency,
  dueMidnights,
  isConsistent,
  runDailyBatch,
} from "clickstream/streaming";
import { runLiveHalf, withShop } from "./shop.ts";

// The SDKs keep timers and sockets of their own.
const options = { sanitizeOps: false, sanitizeResources: false };
const CART = "electronics_cart_metrics__inference";
const USER = "electronics_user_metrics__inference";

const found = (results: Consistency[], table: string, store: string) => {
  const { differing, missing, extra } = results.find((r) =>
    r.table === table && r.store === store
  )!;
  return { differing, missing, extra };
};

Deno.test(
  "after a run, all six feature sets are what silver gives, in gold and online",
  options,
  async () => {
    await withShop(4000, async (shop) => {
      const seeded = await checkConsistency(shop);
      assert.ok(isConsistent(seeded), JSON.stringify(seeded, null, 1));
      await runLiveHalf(shop);
      for (const midnight of dueMidnights(shop.config).slice(-2)) {
        await runDailyBatch(shop, midnight);
      }
      const results = await checkConsistency(shop);
      assert.equal(results.length, 12);
      assert.ok(isConsistent(results), JSON.stringify(results, null, 1));
      assert.ok(results.every((r) => r.compared > 0 && r.newest !== null));
    });
  },
);

Deno.test(
  "a value changed, a row or document lost and one too many are each counted, where they are",
  options,
  async () => {
    await withShop(4000, async (shop) => {
      await runLiveHalf(shop);
      const [cart] = await records(
        shop.lake,
        `select user_id, user_session from ${CART} order by event_time desc limit 1`,
      );
      const where = `user_id = ${cart!.user_id} and user_session = '${cart!.user_session}'`;
      await updateTable(shop.lake, CART, { set: { views: "views + 1" }, where });
      const [user] = await records(shop.lake, `select min(user_id) as id from ${USER}`);
      await deleteFrom(shop.lake, USER, `user_id = ${user!.id}`);
      const users = containerOf(shop.store, USER);
      await deleteDocuments(users, [String(user!.id)]);
      await overwriteDocuments(users, [
        { id: "-1", user_id: "-1", version: 1, event_time: "2021-02-01T00:00:00Z" },
      ]);
      const results = await checkConsistency(shop);
      assert.deepEqual(found(results, CART, "gold"), { differing: 1, missing: 0, extra: 0 });
      assert.deepEqual(found(results, CART, "online"), { differing: 0, missing: 0, extra: 0 });
      assert.deepEqual(found(results, USER, "gold"), { differing: 0, missing: 1, extra: 0 });
      assert.deepEqual(found(results, USER, "online"), { differing: 0, missing: 1, extra: 1 });
    });
  },
);
