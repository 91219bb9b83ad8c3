import { parseArgs } from "node:util";
import process from "node:process";
import { type Config, ConfigError, loadConfig, runCommand } from "clickstream/config";
import { serve } from "./serve.ts";
import type { Right } from "./event_hubs/mod.ts";
import {
  createHub,
  createKey,
  ensureServices,
  resetHub,
  stopServices,
  throttleCosmos,
} from "./services.ts";

const HELP = `Local Event Hubs and Cosmos DB.

  deno task services             start both in the background and print how to connect
  deno task services -- stop     stop them
  deno task services -- hub NAME [--partitions 4] [--groups a,b]    make a hub, or add groups to it
  deno task services -- key NAME --rights Send,Listen [--hub NAME]  make a key, print how to connect
  deno task services -- reset NAME                                  remove a hub's events
  deno task services -- throttle REQUESTS   answer Cosmos DB's next requests with 429
  deno task services -- serve    serve in this process until Ctrl-C (--idle-minutes 15)
`;

if (import.meta.main) await runCommand(main);

/** Runs one of the commands above. */
async function main(args: string[]): Promise<number | void> {
  const { positionals, values } = parse(args);
  const config = loadConfig();
  const [command = "start"] = positionals;
  if (values.help) return console.log(HELP);
  if (command === "serve") return await serveUntilSignal(values["idle-minutes"]);
  if (command === "stop") {
    return console.log(await stopServices(config) ? "Stopped." : "None ran.");
  }
  if (command === "hub") return await makeHub(config, nameOf(positionals), values);
  if (command === "key") return await makeKey(config, nameOf(positionals), values);
  if (command === "reset") {
    await ensureServices(config);
    await resetHub(config, nameOf(positionals));
    return console.log(`${positionals[1]} is empty.`);
  }
  if (command === "throttle") return await throttle(config, positionals[1]);
  if (command !== "start") throw new ConfigError(`There is no command ${command}.\n${HELP}`);
  const services = await ensureServices(config);
  console.log(
    [
      `EVENT_HUBS_CONNECTION_STRING="${services.eventHubs.connectionString}"`,
      `COSMOS_ENDPOINT="${services.cosmos.endpoint}"`,
      `COSMOS_READ_KEY="${services.cosmos.readKey}"`,
      `COSMOS_WRITE_KEY="${services.cosmos.writeKey}"`,
      `# status page: ${services.statusUrl}`,
      `# stop: deno task services -- stop (they stop by themselves after 15 idle minutes)`,
    ].join("\n"),
  );
}

async function makeHub(
  config: Config,
  name: string,
  values: { partitions: string; groups: string },
): Promise<void> {
  const { eventHubs } = await ensureServices(config);
  const consumerGroups = values.groups.split(",").filter((group) => group !== "");
  await createHub(config, { name, partitions: Number(values.partitions), consumerGroups });
  console.log(eventHubs.connectionString.replace(/EntityPath=.*/, `EntityPath=${name}`));
}

async function makeKey(
  config: Config,
  name: string,
  values: { rights: string; hub?: string },
): Promise<void> {
  await ensureServices(config);
  const rights = values.rights.split(",") as Right[];
  const hub = values.hub === undefined ? {} : { hub: values.hub };
  console.log(await createKey(config, { name, rights, ...hub }));
}

async function throttle(config: Config, requests = ""): Promise<void> {
  if (!/^\d{1,6}$/.test(requests)) {
    throw new ConfigError(`throttle needs a number of requests, not "${requests}".\n${HELP}`);
  }
  await ensureServices(config);
  await throttleCosmos(config, Number(requests));
  console.log(`Cosmos DB answers the next ${requests} requests with 429.`);
}

function nameOf([command, name]: string[]): string {
  if (name === undefined) throw new ConfigError(`${command} needs a name.\n${HELP}`);
  return name;
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h", default: false },
        partitions: { type: "string", default: "4" },
        groups: { type: "string", default: "" },
        rights: { type: "string", default: "" },
        hub: { type: "string" },
        "idle-minutes": { type: "string", default: "15" },
      },
    });
  } catch (cause) {
    throw new ConfigError(`${(cause as Error).message}\n${HELP}`, { cause });
  }
}

async function serveUntilSignal(idleMinutes: string): Promise<void> {
  const idleMs = Number(idleMinutes) * 60_000;
  if (!(idleMs > 0)) throw new ConfigError(`--idle-minutes ${idleMinutes} is no positive number.`);
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => stop.abort());
  }
  for (const event of ["uncaughtException", "unhandledRejection"]) {
    // What one client's request broke must not end the service for the others.
    process.on(event, (error) => console.error(`${new Date().toISOString()} defect:`, error));
  }
  await serve(loadConfig(), { idleMs, signal: stop.signal });
  process.exit(0);
}
