import { rmSync } from "node:fs";
import { type Config, homePaths } from "clickstream/config";
import { dropTable, type Lakehouse, tableExists } from "clickstream/lakehouse";
import { metricSets, trainingTable } from "clickstream/metrics";
import { dropContainers, type OnlineStore } from "clickstream/online";
import { onlineTables } from "./seed_online.ts";
import { liveTables, TABLES } from "./tables.ts";

/** What {@link resetLive} clears. */
export interface ResetOptions {
  config: Config;
  lake: Lakehouse;
  store: OnlineStore;
  /** Empties the hub: its events and what its groups have read. */
  resetHub: () => Promise<void>;
}

/**
 * Clears the live half: its tables, the stream's state, the hub's events, the online containers.
 * What is staged, the registry, runs and downloads stay.
 */
export async function resetLive(options: ResetOptions): Promise<void> {
  const { config, lake, store } = options;
  rmSync(homePaths(config).stream, { recursive: true, force: true });
  await options.resetHub();
  await dropContainers(store, [...onlineTables]);
  for (const { name } of liveTables) await dropIfExists(lake, name);
}

/** Clears everything that {@link resetLive} does, and what is staged and derived from it. */
export async function resetAll(options: ResetOptions): Promise<void> {
  await resetLive(options);
  for (const table of [TABLES.staged, ...metricSets.map(trainingTable)]) {
    await dropIfExists(options.lake, table);
  }
}

async function dropIfExists(lake: Lakehouse, table: string): Promise<void> {
  if (await tableExists(lake, table)) await dropTable(lake, table);
}
