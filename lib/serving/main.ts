import { readFileSync, rmSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import {
  BusyError,
  type Config,
  ConfigError,
  homePaths,
  loadConfig,
  processStart,
  runCommand,
  runningState,
  writeWhole,
} from "clickstream/config";
import { closeLakehouse, type Lakehouse, openLakehouse } from "clickstream/lakehouse";
import { type ActionSource, openActions } from "./actions/source.ts";
import { ensureServing, servingPaths, type ServingState, stopServing } from "./ensure.ts";
import { inferenceLog } from "./inferenceLog.ts";
import { inferenceWriter } from "./inferenceTable.ts";
import { servingLog } from "./log.ts";
import { type OnlineLookUp, openOnlineLookUp } from "./onlineLookUp.ts";
import { registryModels } from "./registryModels.ts";
import { type ServingOptions, type ServingServer, startServer } from "./server.ts";
import { streamTimeOf } from "./streamTime.ts";

const HELP = `The scoring server: MLflow's protocol and Databricks' serving endpoints.

  deno task serve             start it in the background; print its address and a new token
  deno task serve -- stop     stop it
  deno task serve -- serve    serve in this process until Ctrl-C (--idle-minutes 0: for ever)
`;

const CHECK_MS = 1000;
/** The inference log needs little: the rest of the machine belongs to others. */
const LAKEHOUSE = { memoryLimit: "512MB", threads: 1 };

if (import.meta.main) await runCommand(main);

/** Runs one of the commands above. */
async function main(args: string[]): Promise<void> {
  const { positionals, values } = parse(args);
  const config = loadConfig();
  const [command = "start"] = positionals;
  if (values.help) return console.log(HELP);
  if (command === "stop") {
    return console.log(await stopServing(config) ? "Stopped." : "None ran.");
  }
  if (command === "serve") return await serve(config, readMinutes(values["idle-minutes"]));
  if (command !== "start") throw new ConfigError(`There is no command ${command}.\n${HELP}`);
  const { url, token } = await ensureServing(config);
  console.log(`SERVING_URL="${url}"\nSERVING_TOKEN="${token}"`);
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h", default: false },
        "idle-minutes": { type: "string", default: "0" },
      },
    });
  } catch (cause) {
    throw new ConfigError(`${(cause as Error).message}\n${HELP}`, { cause });
  }
}

function readMinutes(text: string): number {
  const minutes = Number(text);
  if (minutes >= 0) return minutes;
  throw new ConfigError(`--idle-minutes ${text} is no number of minutes: give 0 for no limit.`);
}

/** Serves until a signal, or until nobody has asked anything for `idleMinutes` (0: for ever). */
async function serve(config: Config, idleMinutes: number): Promise<void> {
  const { stateFile } = servingPaths(config);
  const running = await runningState<ServingState>(stateFile);
  if (running !== null) {
    throw new BusyError(
      `A scoring server runs already at ${running.url} (process ${running.pid}): use it, or stop it by deno task serve -- stop.`,
    );
  }
  const online = await openOnlineLookUp(config);
  const lake = await openLakehouse(homePaths(config).lakehouse, LAKEHOUSE);
  const actions = await openActions(config, lake);
  const server = await startServer(serverOptions(config, { online, lake, actions }));
  try {
    writeWhole(stateFile, JSON.stringify(stateOf(server), null, 2));
    await reasonToStop(server, stateFile, idleMinutes * 60_000);
  } finally {
    if (isOurs(stateFile)) rmSync(stateFile, { force: true });
    await server.close();
    online.close();
    await closeLakehouse(lake);
  }
  process.exit(0);
}

function serverOptions(
  config: Config,
  { online, lake, actions }: { online: OnlineLookUp; lake: Lakehouse; actions: ActionSource },
): ServingOptions {
  const log = servingLog();
  return {
    models: registryModels(homePaths(config).registry),
    lookUp: online.lookUp,
    streamTime: streamTimeOf(config),
    standard: { name: config.model.inferenceName, version: "production" },
    tokens: [config.serving.token],
    directory: servingPaths(config).directory,
    port: config.serving.port,
    onStoreDown: config.serving.storeDown,
    inferenceLog: inferenceLog({
      write: inferenceWriter(lake),
      onError: (error) => log.error({ err: error }, "the inference log cannot be written"),
    }),
    actions,
    log,
  };
}

function stateOf(server: ServingServer): ServingState {
  return {
    pid: process.pid,
    processStart: processStart(process.pid),
    healthUrl: `${server.url}/health`,
    url: server.url,
  };
}

function reasonToStop(server: ServingServer, stateFile: string, idleMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  const timer = setInterval(() => {
    if (idleMs > 0 && server.idleMs() > idleMs) resolve();
    if (!isOurs(stateFile)) resolve();
  }, CHECK_MS);
  return promise.finally(() => clearInterval(timer));
}

function isOurs(stateFile: string): boolean {
  try {
    return (JSON.parse(readFileSync(stateFile, "utf8")) as ServingState).pid === process.pid;
  } catch {
    return false;
  }
}
