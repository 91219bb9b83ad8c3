import { type Config, homePaths, loadConfig } from "clickstream/config";
import { ensureServices } from "clickstream/emulators";
import { closeLakehouse, type Lakehouse, openLakehouse } from "clickstream/lakehouse";
import {
  closeOnlineStore,
  type OnlineStore,
  onlineStoreOptions,
  openOnlineStore,
} from "clickstream/online";

/** What a command about the live half works on. */
export interface Live {
  config: Config;
  lake: Lakehouse;
  store: OnlineStore;
}

/**
 * Opens the home's tables and online store, starting the services when they do not run, and closes
 * them again after `body`.
 *
 * @param right what the store's key may do
 */
export async function withLive<T>(
  right: "read" | "write",
  body: (live: Live) => Promise<T>,
): Promise<T> {
  const config = loadConfig();
  const services = await ensureServices(config);
  const lake = await openLakehouse(homePaths(config).lakehouse);
  const store = openOnlineStore(onlineStoreOptions(services, config, right));
  try {
    return await body({ config, lake, store });
  } finally {
    closeOnlineStore(store);
    await closeLakehouse(lake);
  }
}
