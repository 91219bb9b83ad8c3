import { parseArgs } from "node:util";
import process from "node:process";
import { ConfigError, loadConfig, runCommand } from "clickstream/config";
import { serve } from "./serve.ts";
import { ensureServices, stopServices } from "./services.ts";

const HELP = `Local Event Hubs and Cosmos DB.

  deno task services             start both in the background and print how to connect
  deno task services -- stop     stop them
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

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h", default: false },
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
  await serve(loadConfig(), { idleMs, signal: stop.signal });
  process.exit(0);
}
