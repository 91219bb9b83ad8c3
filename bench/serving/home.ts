import { type Config, homePaths } from "clickstream/config";
import { ensureServices } from "clickstream/emulators";
import { closeLakehouse, openLakehouse, query, records } from "clickstream/lakehouse";
import { trainingRowsSql } from "clickstream/metrics";
import { registerModel, setAlias, trainPropensity } from "clickstream/model";
import { closeOnlineStore, onlineStoreOptions, openOnlineStore } from "clickstream/online";
import type { RowToScore } from "clickstream/serving";
import { HISTORY, readStaged } from "clickstream/streaming";
import { publishShop } from "../../test/streaming/shop.ts";

/** Fills a home: a synthetic shop's history, published online, and a model in production. */
export async function fillHome(config: Config, events: number): Promise<RowToScore[]> {
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
      `select user_id, user_session, product_id from electronics_cart_product_metrics__inference
      where purchases = 0 order by user_id, user_session, product_id limit 2000`,
    );
  } finally {
    closeOnlineStore(store);
    await closeLakehouse(lake);
  }
}
