import { join } from "node:path";
import { type Config, homePaths, loadConfig } from "clickstream/config";
import { generateShop, readEvents } from "clickstream/events";
import { closeLakehouse, type Lakehouse, openLakehouse } from "clickstream/lakehouse";
import { closeOnlineStore, type OnlineStore, openOnlineStore } from "clickstream/online";
import {
  type HistoryFile,
  publishHistory,
  readState,
  seedOnlineStore,
  stageEvents,
  streamFiles,
} from "clickstream/streaming";
import { startEventHubs } from "../../lib/emulators/event_hubs/mod.ts";
import { startCosmos } from "../../lib/emulators/cosmos/mod.ts";
import { withHome } from "../support.ts";

/** A small shop whose history is published, with both services running in this process. */
export interface SmallShop {
  config: Config;
  lake: Lakehouse;
  store: OnlineStore;
  connectionString: string;
}

/** Runs `body` with a small shop; everything is closed and removed afterwards. */
export async function withShop(
  events: number,
  body: (shop: SmallShop) => Promise<void>,
): Promise<void> {
  await withHome(async (home) => {
    const config = loadConfig({ CLICKSTREAM_HOME: home });
    const hubs = await startEventHubs({
      directory: join(home, "hubs"),
      hubs: [{ name: "electronics-events", partitions: 4 }],
    });
    const cosmos = await startCosmos({ directory: join(home, "cosmos") });
    const lake = await openLakehouse(homePaths(config).lakehouse, { threads: 1 });
    const { endpoint, writeKey: key } = cosmos;
    const store = openOnlineStore({ endpoint, key, database: "clickstream" });
    try {
      await publish(config, lake, store, events);
      const connectionString = hubs.connectionString("electronics-events");
      await body({ config, lake, store, connectionString });
    } finally {
      closeOnlineStore(store);
      await closeLakehouse(lake);
      await cosmos.close();
      await hubs.close();
    }
  });
}

async function publish(config: Config, lake: Lakehouse, store: OnlineStore, events: number) {
  const { file } = await generateShop({ events, seed: 7, directory: join(config.home, "source") });
  const connection = await lake.connect();
  const { table } = await readEvents(connection, file);
  const cutoff = new Date("2021-02-01T00:00:00Z");
  await stageEvents(lake, { connection, relation: table, cutoff });
  connection.closeSync();
  await publishHistory(lake, config);
  await seedOnlineStore(lake, store, readState<HistoryFile>(streamFiles(config).history)!);
}
