import { fileURLToPath } from "node:url";
import { type Config, homePaths, loadConfig, runCommand } from "clickstream/config";
import { ensureServices } from "clickstream/emulators";
import { closeLakehouse, openLakehouse, query, records } from "clickstream/lakehouse";
import { trainingRowsSql } from "clickstream/metrics";
import { registerModel, setAlias, trainPropensity } from "clickstream/model";
import { closeOnlineStore, onlineStoreOptions, openOnlineStore } from "clickstream/online";
import type { RowToScore } from "clickstream/serving";
import { HISTORY, readStaged } from "clickstream/streaming";
import { publishShop } from "../../test/streaming/shop.ts";

if (import.meta.main) {
  await runCommand(async ([events, keysFile]) => {
    const keys = await publish(loadConfig(), Number(events));
    await Deno.writeTextFile(keysFile!, JSON.stringify(keys));
  });
}

/**
 * Fills a home: a synthetic shop's history, published online, and a model in production. In a process
 * of its own: with DuckDB loaded, Deno 2.8.0 may notice an answer late, and times would be too long.
 *
 * @returns keys of cart-products in the online store
 */
export async function fillHome(config: Config, events: number): Promise<RowToScore[]> {
  const file = `${config.home}/keys.json`;
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", fileURLToPath(import.meta.url), String(events), file],
    env: { CLICKSTREAM_HOME: config.home },
  }).spawn().status;
  if (!success) throw new Error("The bench's home could not be filled; see above.");
  return JSON.parse(await Deno.readTextFile(file)) as RowToScore[];
}

async function publish(config: Config, events: number): Promise<RowToScore[]> {
  const services = await ensureServices(config);
  const lake = await openLakehouse(homePaths(config).lakehouse);
  const store = openOnlineStore(onlineStoreOptions(services, config, "write"));
  try {
    await publishShop({ config, lake, store }, events);
    const { cutoff } = await readStaged(lake);
    const rows = await query(lake, trainingRowsSql({ events: HISTORY, cutoff }));
    const { registry } = homePaths(config);
    const name = config.model.inferenceName;
    const model = await trainPropensity(rows, { baselines: false });
    await setAlias(registry, name, "production", await registerModel(registry, model, { name }));
    return await records(
      lake,
      `select cast(user_id as varchar) as user_id, user_session,
        cast(product_id as varchar) as product_id
      from electronics_cart_product_metrics__inference
      where purchases = 0 order by user_id, user_session, product_id limit 2000`,
    );
  } finally {
    closeOnlineStore(store);
    await closeLakehouse(lake);
  }
}
