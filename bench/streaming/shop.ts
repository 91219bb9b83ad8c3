import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Config, homePaths, loadConfig } from "clickstream/config";
import { ensureServices, type Services, stopServices } from "clickstream/emulators";
import { generateShop, readEvents } from "clickstream/events";
import { closeLakehouse, type Lakehouse, openLakehouse, records } from "clickstream/lakehouse";
import {
  closeOnlineStore,
  type OnlineStore,
  onlineStoreOptions,
  openOnlineStore,
} from "clickstream/online";
import {
  type HistoryFile,
  publishHistory,
  readState,
  seedOnlineStore,
  stageEvents,
  streamFiles,
} from "clickstream/streaming";

/** A shop whose history is published, in a home of its own, with both services running. */
export interface BenchShop {
  config: Config;
  lake: Lakehouse;
  store: OnlineStore;
  services: Services;
  /** Events after the cutoff. */
  live: number;
  /** Documents that the online store was seeded with, and how long that took. */
  seeded: { documents: number; seconds: number };
}

/** Makes a shop of so many events, runs `body`, and removes everything. */
export async function withBenchShop(
  events: number,
  cutoff: string,
  body: (shop: BenchShop) => Promise<void>,
): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), "clickstream-bench-"));
  const config = loadConfig({ CLICKSTREAM_HOME: home });
  const services = await ensureServices(config);
  const lake = await openLakehouse(homePaths(config).lakehouse);
  try {
    const store = openOnlineStore(onlineStoreOptions(services, config, "write"));
    const live = await publish(lake, config, events, new Date(cutoff));
    const seeded = await seed(lake, store, config);
    await body({ config, lake, store, services, live, seeded });
    closeOnlineStore(store);
  } finally {
    await closeLakehouse(lake);
    await stopServices(config);
    rmSync(home, { recursive: true, force: true });
  }
}

async function publish(
  lake: Lakehouse,
  config: Config,
  events: number,
  cutoff: Date,
): Promise<number> {
  const { file } = await generateShop({ events, seed: 1, directory: join(config.home, "source") });
  const connection = await lake.connect();
  const { table } = await readEvents(connection, file);
  const { realTime } = await stageEvents(lake, { connection, relation: table, cutoff });
  connection.closeSync();
  await publishHistory(lake, config);
  return realTime;
}

async function seed(lake: Lakehouse, store: OnlineStore, config: Config) {
  const history = readState<HistoryFile>(streamFiles(config).history)!;
  const started = performance.now();
  const written = await seedOnlineStore(lake, store, history);
  const seconds = (performance.now() - started) / 1000;
  return { documents: Object.values(written).reduce((sum, n) => sum + n, 0), seconds };
}

/** Keys of carts that history left unexpired, and of products, to make live events of. */
export async function knownKeys(lake: Lakehouse, most: number) {
  return await records(
    lake,
    `select user_id, user_session, product_id from electronics_cart_product_metrics__inference
     where purchases = 0 order by event_time desc, user_id, product_id limit ${most}`,
  ) as unknown as { user_id: bigint; user_session: string; product_id: bigint }[];
}
