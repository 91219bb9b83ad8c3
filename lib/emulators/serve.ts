import { randomBytes } from "node:crypto";
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { BusyError, type Config, homePaths, processStart } from "clickstream/config";
import { type Cosmos, startCosmos } from "./cosmos/mod.ts";
import { type EventHubs, startEventHubs } from "./event_hubs/mod.ts";
import { readJson, writeJson } from "./event_hubs/files.ts";
import { startStatusServer } from "./status_server.ts";
import { DEFAULT_HUB, DEFAULT_PARTITIONS, type ServicesState } from "./services.ts";

/** How long the services wait for somebody to use them. */
export interface ServeOptions {
  /** Milliseconds without any client after which the process ends. @default 900000 (15 minutes) */
  idleMs?: number;
  /** Ends the services. */
  signal?: AbortSignal;
  /** Takes one line for each thing worth knowing. @default console.error with the time before it */
  log?: (line: string) => void;
}

interface Ports {
  eventHubs: number;
  cosmos: number;
  status: number;
}

const CHECK_MS = 2000;

/**
 * Serves Event Hubs and Cosmos DB from the configuration's home until it is told to stop, nobody has
 * used them for a while, or the home's state file names another process or is gone.
 */
export async function serve(config: Config, options: ServeOptions = {}): Promise<void> {
  const log = options.log ??
    ((line: string) => console.error(`${new Date().toISOString()} ${line}`));
  const paths = homePaths(config);
  const portsFile = join(paths.emulators, "ports.json");
  const last = readJson<Ports>(portsFile);
  const hubs = await onPort(config.eventHubs.port, last?.eventHubs, (port) =>
    startEventHubs({
      directory: join(paths.emulators, "event_hubs"),
      port,
      hubs: [{
        name: DEFAULT_HUB,
        partitions: DEFAULT_PARTITIONS,
        consumerGroups: [config.eventHubs.consumerGroup],
      }],
      log: (line) => log(`event hubs: ${line}`),
    }));
  try {
    const cosmos = await onPort(
      config.cosmos.port,
      last?.cosmos,
      (port) => startCosmos({ directory: join(paths.emulators, "cosmos"), port }),
    );
    try {
      await run(config, hubs, cosmos, { ...options, log }, last, portsFile);
    } finally {
      await cosmos.close();
    }
  } finally {
    await hubs.close();
    log("stopped");
  }
}

async function run(
  config: Config,
  hubs: EventHubs,
  cosmos: Cosmos,
  options: ServeOptions & { log: (line: string) => void },
  last: Ports | null,
  portsFile: string,
): Promise<void> {
  const stateFile = homePaths(config).services;
  const adminToken = randomBytes(24).toString("base64url");
  const status = await onPort(
    0,
    last?.status,
    (port) => startStatusServer({ hubs, cosmos, port, adminToken }),
  );
  const ports = { eventHubs: hubs.port, cosmos: cosmos.port, status: status.port };
  const { endpoint, readKey, writeKey } = cosmos;
  const state: ServicesState = {
    pid: process.pid,
    processStart: processStart(process.pid),
    healthUrl: `http://127.0.0.1:${status.port}/health`,
    statusUrl: `http://127.0.0.1:${status.port}/`,
    adminToken,
    eventHubs: { connectionString: hubs.connectionString(DEFAULT_HUB) },
    cosmos: { endpoint, readKey, writeKey },
    ports,
  };
  try {
    writeJson(portsFile, ports);
    writeJson(stateFile, state, 0o600);
    options.log(`serving event hubs on ${ports.eventHubs}, cosmos on ${ports.cosmos}`);
    options.log(`stopping: ${await reasonToStop(stateFile, hubs, cosmos, status, options)}`);
  } finally {
    if (readJson<ServicesState>(stateFile)?.pid === process.pid) {
      rmSync(stateFile, { force: true });
    }
    await status.close();
  }
}

/** Tries the port of the last time first, so that connection strings stay as they are. */
async function onPort<T>(
  wanted: number,
  last: number | undefined,
  start: (port: number) => Promise<T>,
): Promise<T> {
  if (wanted !== 0 || last === undefined || last === 0) return await start(wanted);
  try {
    return await start(last);
  } catch (error) {
    if (error instanceof BusyError || isAddressInUse(error)) return await start(0);
    throw error;
  }
}

function isAddressInUse(error: unknown): boolean {
  const { code, cause } = error as { code?: string; cause?: { code?: string } };
  return error instanceof Deno.errors.AddrInUse || code === "EADDRINUSE" ||
    cause?.code === "EADDRINUSE";
}

function reasonToStop(
  stateFile: string,
  hubs: EventHubs,
  cosmos: Cosmos,
  status: { lastBusyMs(): number },
  options: ServeOptions,
): Promise<string> {
  const idleMs = options.idleMs ?? 900_000;
  const { promise, resolve } = Promise.withResolvers<string>();
  const abort = () => resolve("told to");
  if (options.signal?.aborted) abort();
  options.signal?.addEventListener("abort", abort);
  const cosmosBusyMs = busyWatch(cosmos);
  const timer = setInterval(() => {
    const lastBusyMs = Math.max(hubs.status().lastBusyMs, cosmosBusyMs(), status.lastBusyMs());
    if (Date.now() - lastBusyMs > idleMs) resolve(`idle for ${idleMs / 1000} s`);
    if (!isOurs(stateFile)) resolve(`${stateFile} is gone or names another process`);
  }, CHECK_MS);
  return promise.finally(() => {
    clearInterval(timer);
    options.signal?.removeEventListener("abort", abort);
  });
}

/** Tells when the store was last asked for anything, by the number of its requests. */
function busyWatch(cosmos: Cosmos): () => number {
  let seen = cosmos.status().requests;
  let lastBusyMs = Date.now();
  return () => {
    const now = cosmos.status().requests;
    if (now !== seen) lastBusyMs = Date.now();
    seen = now;
    return lastBusyMs;
  };
}

function isOurs(stateFile: string): boolean {
  try {
    statSync(stateFile);
    return readJson<ServicesState>(stateFile)?.pid === process.pid;
  } catch {
    return false;
  }
}
