import { fileURLToPath } from "node:url";
import { join } from "node:path";
import {
  type BackgroundState,
  ClickstreamError,
  type Config,
  ensureBackground,
  homePaths,
  NotFoundError,
  runningState,
  stopBackground,
} from "clickstream/config";
import type { HubDefinition, KeyDefinition } from "./event_hubs/mod.ts";

/** The hub that the project's events go through, where the configuration names no other. */
export const DEFAULT_HUB = "electronics-events";
/** Partitions of the local hub. */
export const DEFAULT_PARTITIONS = 4;

/** Where the two services are, and what opens them. */
export interface Services {
  eventHubs: {
    /** With EntityPath naming the hub. */
    connectionString: string;
  };
  cosmos: {
    endpoint: string;
    /** May only read. */
    readKey: string;
    /** May read and write. */
    writeKey: string;
  };
  /** Page for people with hubs, partitions, rates, lag, containers; empty when nothing is local. */
  statusUrl: string;
  /** Process that serves both; 0 when nothing is local. */
  pid: number;
  /** Ports of the local services; 0 when nothing is local. */
  ports: { eventHubs: number; cosmos: number; status: number };
}

/** What the services process writes to the home: {@link Services} and how to control it. */
export interface ServicesState extends BackgroundState, Services {
  /** Opens the admin calls of the status port. */
  adminToken: string;
}

const NAME = "The local Event Hubs and Cosmos DB";

/**
 * Makes sure that the services the configuration asks for can be used. With profile `local` one
 * background process serves both; it is started when none runs, by whoever asks first, and stops by
 * itself when nobody has used it for a while. With profile `azure`, nothing is started.
 *
 * @throws {ClickstreamError} when the process does not start; shows the end of its log
 */
export async function ensureServices(config: Config): Promise<Services> {
  const remote = configured(config);
  if (remote.complete) return remote.services;
  const { services: stateFile, logs } = homePaths(config);
  const state = await ensureBackground<ServicesState>({
    name: NAME,
    script: fileURLToPath(new URL("./main.ts", import.meta.url)),
    args: ["serve"],
    stateFile,
    logFile: join(logs, "services.log"),
    timeoutMs: 60_000,
    config,
    env: {
      EVENT_HUBS_PORT: String(config.eventHubs.port),
      COSMOS_PORT: String(config.cosmos.port),
    },
  });
  const group = config.eventHubs.consumerGroup;
  if (group !== "$Default") {
    const definition = {
      name: DEFAULT_HUB,
      partitions: DEFAULT_PARTITIONS,
      consumerGroups: [group],
    };
    await admin(state, "PUT", `/admin/hubs/${DEFAULT_HUB}`, definition);
  }
  return merge(state, remote.services);
}

/**
 * Stops the local services process of the configuration's home.
 *
 * @returns false when none ran
 */
export async function stopServices(config: Config): Promise<boolean> {
  return await stopBackground(homePaths(config).services);
}

/**
 * Removes all events and group state of a local hub; sequence numbers begin again at 0. Receivers
 * and senders that are connected are detached. The services must run (see {@link ensureServices}).
 *
 * @param hub its name
 * @throws {NotFoundError} when the services do not run or have no such hub
 */
export async function resetHub(config: Config, hub: string = DEFAULT_HUB): Promise<void> {
  await admin(
    await runningServices(config),
    "POST",
    `/admin/hubs/${encodeURIComponent(hub)}/reset`,
  );
}

/**
 * Makes a local hub, or adds consumer groups to one. The services must run.
 *
 * @throws {ClickstreamError} when the definition is wrong
 */
export async function createHub(config: Config, definition: HubDefinition): Promise<void> {
  const state = await runningServices(config);
  await admin(state, "PUT", `/admin/hubs/${encodeURIComponent(definition.name)}`, definition);
}

/**
 * Makes a shared access key for the local hubs, or gives the one of that name other rights. The
 * services must run.
 *
 * @returns the connection string with that key, and with its hub as EntityPath
 * @throws {ClickstreamError} when the definition is wrong
 */
export async function createKey(config: Config, definition: KeyDefinition): Promise<string> {
  const state = await runningServices(config);
  const path = `/admin/keys/${encodeURIComponent(definition.name)}`;
  const answer = await admin(state, "PUT", path, definition);
  return (JSON.parse(answer) as { connectionString: string }).connectionString;
}

/**
 * Answers the local store's next requests with 429, as a busy account does: for trying what a
 * program does then. The services must run.
 *
 * @param requests how many, up to 999,999; 0 ends it
 */
export async function throttleCosmos(config: Config, requests: number): Promise<void> {
  await admin(await runningServices(config), "POST", `/admin/cosmos/throttle/${requests}`);
}

async function runningServices(config: Config): Promise<ServicesState> {
  const state = await runningState<ServicesState>(homePaths(config).services);
  if (state !== null) return state;
  throw new NotFoundError(`The local services do not run for ${config.home}: start them first.`);
}

async function admin(
  state: ServicesState,
  method: string,
  path: string,
  body?: unknown,
): Promise<string> {
  const answer = await fetch(new URL(path, state.statusUrl), {
    method,
    headers: { authorization: `Bearer ${state.adminToken}`, "content-type": "application/json" },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await answer.text();
  if (answer.ok) return text;
  if (answer.status === 404) throw new NotFoundError(text);
  throw new ClickstreamError(`${NAME} refused ${method} ${path}: ${text}`);
}

/** What the configuration names by itself. A local profile may still name a service elsewhere. */
function configured(config: Config): { services: Services; complete: boolean } {
  const { connectionString } = config.eventHubs;
  const { endpoint, readKey, writeKey } = config.cosmos;
  return {
    services: {
      eventHubs: { connectionString },
      cosmos: { endpoint, readKey, writeKey },
      statusUrl: "",
      pid: 0,
      ports: { eventHubs: 0, cosmos: 0, status: 0 },
    },
    complete: config.profile === "azure" || (connectionString !== "" && endpoint !== ""),
  };
}

function merge(local: ServicesState, remote: Services): Services {
  const { connectionString } = remote.eventHubs;
  return {
    eventHubs: connectionString === "" ? local.eventHubs : { connectionString },
    cosmos: remote.cosmos.endpoint === "" ? local.cosmos : remote.cosmos,
    statusUrl: local.statusUrl,
    pid: local.pid,
    ports: local.ports,
  };
}
