import { randomBytes } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { acquireLock, BusyError, type Lock } from "clickstream/config";
import type { Broker } from "./broker.ts";
import { createCommitQueue } from "./commit.ts";
import { connectionForced, linkDetached } from "./conditions.ts";
import { endConnection, serveConnection } from "./connection.ts";
import {
  closeCatalogue,
  deleteHub,
  ensureHub,
  findHub,
  openCatalogue,
  recreateHub,
} from "./hubs.ts";
import { connectionString, ensureKey, openKeys } from "./keys.ts";
import type { EventHubs, EventHubsOptions } from "./options.ts";
import { detachProducer } from "./producers.ts";
import { detachReceiver } from "./receivers.ts";
import { applyRetention } from "./retention.ts";
import { rhea } from "./rhea.ts";
import { brokerStatus } from "./status.ts";
import { sweep } from "./sweep.ts";

const DAY_MS = 86_400_000;
const SWEEP_MS = 1000;

/**
 * Starts a local Event Hubs namespace that the unchanged Azure SDKs talk to. Events, hubs and keys
 * are kept in its folder and outlive a restart.
 *
 * @throws {BusyError} when the port or the folder is in use
 * @throws {ConfigError} when a hub definition is wrong
 */
export async function startEventHubs(options: EventHubsOptions): Promise<EventHubs> {
  const lock = acquireLock(join(options.directory, "lock"), {
    what: `The Event Hubs folder ${options.directory}`,
  });
  try {
    const broker = openBroker(options);
    const host = options.host ?? "127.0.0.1";
    const sockets = new Set<Socket>();
    const server = await listen(broker, host, options.port ?? 0, sockets);
    return running(broker, server, sockets, lock, host, options);
  } catch (error) {
    lock.release();
    throw error;
  }
}

function openBroker(options: EventHubsOptions): Broker {
  const now = options.now ?? Date.now;
  const warn = options.log ?? ((line: string) => console.error(`event hubs: ${line}`));
  const catalogue = openCatalogue(options.directory, {
    segmentBytes: options.segmentBytes ?? 32 * 1024 * 1024,
    fsync: options.fsync ?? "batch",
    commits: createCommitQueue(),
    now,
    warn,
  });
  for (const hub of options.hubs ?? []) ensureHub(catalogue, hub);
  return {
    containerId: `clickstream-${randomBytes(4).toString("hex")}`,
    catalogue,
    ring: openKeys(options.directory, options.keys),
    limits: {
      messageBytes: options.maxMessageBytes ?? 1024 * 1024,
      receivers: options.maxReceivers ?? 5,
      connections: options.maxConnections ?? 5000,
      idleMs: options.idleMs ?? 300_000,
      handshakeMs: options.handshakeMs ?? 20_000,
      heartbeatMs: options.heartbeatMs ?? 60_000,
    },
    retention: {
      ms: options.retentionMs ?? 7 * DAY_MS,
      bytes: options.retentionBytes ?? 4 * 1024 ** 3,
    },
    now,
    clients: new Set(),
    subscriptions: new Map(),
    positions: new Map(),
    traffic: new Map(),
    unwrittenBytes: 0,
    warn,
    lastBusyMs: now(),
  };
}

async function listen(
  broker: Broker,
  host: string,
  port: number,
  sockets: Set<Socket>,
): Promise<Server> {
  const container = rhea.create_container({ id: broker.containerId });
  container.sasl_server_mechanisms.enable_anonymous();
  const anonymous = container.sasl_server_mechanisms.ANONYMOUS;
  // Other SDKs name the same thing, a token put later on, so.
  container.sasl_server_mechanisms.MSSBCBS = anonymous;
  container.sasl_server_mechanisms.EXTERNAL = anonymous;
  const server = createServer((socket) => {
    if (sockets.size >= broker.limits.connections) return void socket.destroy();
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    serveConnection(broker, container, socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "EADDRINUSE" ? portTaken(host, port, error) : error);
    });
    server.listen(port, host, () => resolve());
  });
  return server;
}

function portTaken(host: string, port: number, cause: Error): BusyError {
  return new BusyError(
    `Port ${port} of ${host} is in use: end what uses it, or set EVENT_HUBS_PORT to another (0 ` +
      `takes a free one).`,
    { cause },
  );
}

function running(
  broker: Broker,
  server: Server,
  sockets: Set<Socket>,
  lock: Lock,
  host: string,
  options: EventHubsOptions,
): EventHubs {
  const { catalogue } = broker;
  const port = (server.address() as { port: number }).port;
  const trim = () => trimAll(broker);
  const timers = startTimers(broker, trim, options.retentionCheckMs ?? 60_000);
  let closing: Promise<void> | null = null;
  return {
    host,
    port,
    keys: broker.ring.keys,
    connectionString: (hub, keyName) =>
      connectionString(broker.ring, `${host}:${port}`, hub, keyName),
    status: () => brokerStatus(broker),
    createHub: (definition) => void ensureHub(catalogue, definition),
    deleteHub: async (name) => {
      closeLinks(broker, name, "deleted");
      await deleteHub(catalogue, name);
    },
    resetHub: async (name) => {
      closeLinks(broker, name, "reset");
      const hub = await recreateHub(catalogue, name);
      const prefix = `${hub.name.toLowerCase()}/`;
      for (const map of [broker.positions, broker.traffic]) {
        for (const key of [...map.keys()]) if (key.startsWith(prefix)) map.delete(key);
      }
    },
    createKey: (definition) => ensureKey(broker.ring, catalogue, definition),
    applyRetention: trim,
    close: () => closing ??= close(broker, server, sockets, lock, timers),
  };
}

async function trimAll(broker: Broker): Promise<number> {
  let removed = 0;
  for (const hub of broker.catalogue.hubs.values()) {
    for (const log of hub.partitions) removed += await applyRetention(log, broker.retention);
  }
  return removed;
}

function startTimers(broker: Broker, trim: () => Promise<number>, retentionMs: number): number[] {
  let trimming = false;
  return [
    setInterval(() => sweep(broker), SWEEP_MS),
    setInterval(() => {
      if (trimming) return;
      trimming = true;
      trim()
        .catch((error) => broker.warn(`Retention failed: ${error}`))
        .finally(() => trimming = false);
    }, retentionMs),
  ] as unknown as number[];
}

async function close(
  broker: Broker,
  server: Server,
  sockets: Set<Socket>,
  lock: Lock,
  timers: number[],
): Promise<void> {
  for (const timer of timers) clearInterval(timer);
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const leaving = connectionForced("The server is shutting down.");
  for (const client of [...broker.clients]) endConnection(client, leaving);
  await Promise.all([...sockets].map((socket) => ended(socket, 500)));
  await closed;
  await closeCatalogue(broker.catalogue);
  lock.release();
}

/** Waits a little for a socket to end by itself, then destroys it. */
function ended(socket: Socket, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve();
    const timer = setTimeout(() => socket.destroy(), graceMs);
    socket.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function closeLinks(broker: Broker, name: string, what: string): void {
  const hub = findHub(broker.catalogue, name);
  const error = linkDetached(`The hub '${name}' was ${what}.`);
  for (const client of broker.clients) {
    for (const one of [...client.subscriptions.values()]) {
      if (one.hub === hub) detachReceiver(broker, one, error);
    }
    for (const one of [...client.producers.values()]) {
      if (one.hub === hub) detachProducer(one, error);
    }
  }
}
