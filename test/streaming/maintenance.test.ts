import assert from "node:assert/strict";
import { records, snapshot } from "clickstream/lakehouse";
import { containerOf } from "clickstream/online";
import { checkConsistency, featureTables, isConsistent } from "clickstream/streaming";
import { maintainTables } from "clickstream/streaming";
import { runLiveHalf, runShopCommand, withShop } from "./shop.ts";

const options = { sanitizeOps: false, sanitizeResources: false };
const CART = "electronics_cart_metrics__inference";
const BRONZE = "electronics_events_bronze";

Deno.test(
  "maintenance deletes old gold rows and small files, and what is left stays consistent",
  options,
  async () => {
    await withShop(3000, async (shop) => {
      await runLiveHalf(shop);
      const [before] = await records(shop.lake, `select count(*) as n from ${CART}`);
      const results = await maintainTables({
        ...shop,
        config: { ...shop.config, retentionDays: 60 },
        onlineTimeToLive: "on",
      });
      const [after] = await records(shop.lake, `select count(*) as n from ${CART}`);
      const cart = results.find((r) => r.table === CART)!;
      assert.ok(cart.rowsDeleted > 0);
      assert.equal(Number(before!.n) - cart.rowsDeleted, Number(after!.n));
      assert.equal((await snapshot(shop.lake, BRONZE)).files.size, 1);
      const consistency = await checkConsistency(shop);
      assert.ok(isConsistent(consistency), JSON.stringify(consistency, null, 1));
      const { resource } = await containerOf(shop.store, CART).read();
      assert.equal(resource!.defaultTtl, 31 * 86_400);
      const off = await runShopCommand(shop, "lib/streaming/commands/maintenance.ts", [
        "--online-ttl",
        "off",
      ]);
      assert.equal(off.code, 0, off.stderr);
      assert.match(off.stdout, /Maintained/);
      const kept = await containerOf(shop.store, CART).read();
      assert.equal(kept.resource!.defaultTtl, undefined);
    });
  },
);

Deno.test(
  "feature tables are registered with their keys, what they hold and what they come from",
  options,
  async () => {
    await withShop(1500, async (shop) => {
      const tables = await featureTables(shop.lake);
      assert.equal(tables.length, 11);
      const training = tables.find((t) => t.name === "electronics_cart_metrics__training")!;
      assert.deepEqual(training.primaryKeys, ["user_id", "user_session"]);
      assert.equal(training.timestampKey, "event_time");
      assert.match(training.description, /one user did in one session/);
      assert.equal((training.definition as { name: string }).name, "cart");
    });
  },
);

Deno.test(
  "lookup shows what is served for a key with its age, and consistency ends with 0",
  options,
  async () => {
    await withShop(2000, async (shop) => {
      await runLiveHalf(shop);
      const [row] = await records(
        shop.lake,
        `select user_id, user_session, product_id, views
         from electronics_cart_product_metrics__inference where purchases = 0
         order by event_time desc limit 1`,
      );
      const keys = [String(row!.user_id), String(row!.user_session), String(row!.product_id)];
      const script = "lib/streaming/commands/lookup.ts";
      const shown = await runShopCommand(shop, script, keys);
      assert.equal(shown.code, 0, shown.stderr);
      assert.match(shown.stdout, /age \(s\)/);
      const json = await runShopCommand(shop, script, [...keys, "--json"]);
      const { features } = JSON.parse(json.stdout) as { features: Record<string, unknown> };
      assert.equal(features["cart_product__views"], Number(row!.views));
      const wrong = await runShopCommand(shop, script, ["x"]);
      assert.equal(wrong.code, 1);
      assert.match(wrong.stderr, /Three keys are needed/);
      const consistency = await runShopCommand(shop, "lib/streaming/commands/consistency.ts", []);
      assert.equal(consistency.code, 0, consistency.stdout + consistency.stderr);
    });
  },
);
