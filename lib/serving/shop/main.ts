import process from "node:process";
import { parseArgs } from "node:util";
import {
  type Config,
  ConfigError,
  homePaths,
  isAlive,
  loadConfig,
  runCommand,
} from "clickstream/config";
import { ensureServices, type Services } from "clickstream/emulators";
import { closeLakehouse, type Lakehouse, openLakehouse, tableExists } from "clickstream/lakehouse";
import {
  closeOnlineStore,
  type OnlineStore,
  onlineStoreOptions,
  openOnlineStore,
} from "clickstream/online";
import { checkConsistency, readQuery, startStream } from "clickstream/streaming";
import { ITEM_TO_ITEM_TABLE, publishItemToItem } from "../actions/itemToItem.ts";
import { servingClient } from "../ensure.ts";
import { streamTimeOf } from "../streamTime.ts";
import { readCatalogue } from "./catalogue.ts";
import { startShopServer } from "./server.ts";
import { openShop } from "./shop.ts";

const HELP = `A small shop over the live pipeline: every click is an event.

  deno task shop [--port 8090]     needs a run of RUNME, or of 0b, 1a, 1b and 2d; ends by Ctrl-C
`;

/** Milliseconds between two turns of the event loop at most. */
const TURN_MS = 5;

if (import.meta.main) await runCommand(main);

async function main(args: string[]): Promise<void> {
  const { values } = parse(args);
  if (values.help) return console.log(HELP);
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new ConfigError(`--port ${values.port} is no port.\n${HELP}`);
  }
  const config = loadConfig();
  const services = await ensureServices(config);
  const lake = await openLakehouse(homePaths(config).lakehouse, { threads: 1 });
  const store = openOnlineStore(onlineStoreOptions(services, config, "write"));
  try {
    await keepShop({ config, services, lake, store, port });
  } finally {
    closeOnlineStore(store);
    await closeLakehouse(lake);
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        port: { type: "string", default: "8090" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (cause) {
    throw new ConfigError(`${(cause as Error).message}\n${HELP}`, { cause });
  }
}

async function keepShop({ config, services, lake, store, port }: {
  config: Config;
  services: Services;
  lake: Lakehouse;
  store: OnlineStore;
  port: number;
}): Promise<void> {
  const { connectionString } = services.eventHubs;
  const query = runsElsewhere(config)
    ? null
    : await startStream({ config, lake, store, connectionString });
  // Before the scoring server starts: it reads the table then.
  if (!await tableExists(lake, ITEM_TO_ITEM_TABLE)) await publishItemToItem(lake);
  const serving = await servingClient(config);
  const catalogue = await readCatalogue(lake);
  const streamTime = streamTimeOf(config);
  const shop = openShop({ catalogue, connectionString, store, serving, streamTime });
  // With DuckDB loaded, Deno 2.8.0 can sleep past the timers of the SDKs: an interval wakes it.
  const turning = setInterval(() => {}, TURN_MS);
  const server = startShopServer({
    ...{ shop, port },
    status: query === null ? null : () => query.status(),
    checkConsistency: () => checkConsistency({ config, lake, store }),
  });
  console.log(`The shop is open: ${server.url} (Ctrl-C closes it)`);
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  clearInterval(turning);
  await server.close();
  await shop.close();
  await query?.stop();
}

/** Whether 2b, or another shop, runs the query of this home already. */
function runsElsewhere(config: Config): boolean {
  const file = readQuery(config);
  return file?.state === "running" && isAlive(file);
}
