import { parseArgs } from "node:util";
import { ConfigError, homePaths, loadConfig, runCommand } from "clickstream/config";
import { ensureServices, resetHub } from "clickstream/emulators";
import { closeLakehouse, openLakehouse } from "clickstream/lakehouse";
import { closeOnlineStore, onlineStoreOptions, openOnlineStore } from "clickstream/online";
import { resetAll } from "../reset.ts";

if (import.meta.main) await runCommand(main);

/**
 * `deno task reset`: clears the clickstream tables, the stream's state, the hub and the online
 * store of the home. Registered models, runs and downloads stay.
 */
async function main(args: string[]): Promise<void> {
  readOptions(args);
  const config = loadConfig();
  if (config.profile !== "local") {
    throw new ConfigError(
      "deno task reset clears local services only: with profile azure, clear them there.",
    );
  }
  const services = await ensureServices(config);
  const lake = await openLakehouse(homePaths(config).lakehouse);
  const store = openOnlineStore(onlineStoreOptions(services, config, "write"));
  try {
    await resetAll({ config, lake, store, resetHub: () => resetHub(config) });
  } finally {
    closeOnlineStore(store);
    await closeLakehouse(lake);
  }
  console.log(`Cleared the tables, the stream, the hub and the online store of ${config.home}.`);
}

function readOptions(args: string[]): void {
  try {
    parseArgs({ args, options: {}, strict: true });
  } catch (cause) {
    throw new ConfigError(`${(cause as Error).message}. deno task reset takes no options.`, {
      cause,
    });
  }
}
