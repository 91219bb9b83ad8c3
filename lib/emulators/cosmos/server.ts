import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { acquireLock, BusyError, type Lock } from "clickstream/config";
import { type AccountKeys, authorize, decodeKey } from "./authorization.ts";
import {
  type Catalog,
  closeCatalog,
  type Container,
  findContainer,
  keepSetting,
  openCatalog,
} from "./catalog.ts";
import { answerFeed, answerItem, isQuery } from "./docs.ts";
import { badRequest, CosmosFailure, notFound, tooLarge } from "./failure.ts";
import { deletePartition, PARTITION_DELETE } from "./partition_delete.ts";
import { failureReply, jsonReply, type Reply, toResponse } from "./reply.ts";
import { accountReply, answerContainers, answerDatabases, rangesReply } from "./resources.ts";
import { parseRoute, type Route, signedType } from "./route.ts";
import { sweepExpired } from "./sweep.ts";

/** How the server runs. */
export interface CosmosOptions {
  /** Folder of its files. */
  directory: string;
  /** @default 0, a free one */
  port?: number;
  /** @default 127.0.0.1 */
  host?: string;
  /** Base64 key that may only read. @default made once and kept with the files */
  readKey?: string;
  /** Base64 key that may read and write. @default made once and kept with the files */
  writeKey?: string;
  /** Milliseconds since 1970. @default Date.now */
  now?: () => number;
}

/** What the server holds, for a status page. */
export interface CosmosStatus {
  /** Requests answered. */
  requests: number;
  databases: { id: string; containers: { id: string; items: number }[] }[];
}

/** A running server. */
export interface Cosmos {
  endpoint: string;
  port: number;
  readKey: string;
  writeKey: string;
  status(): CosmosStatus;
  /** Answers the next `requests` requests with 429, as a busy account does. */
  throttle(requests: number, retryAfterMs?: number): void;
  /** Ends after the requests that are being answered; half-sent ones are waited for two seconds. */
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 16 * 1024 * 1024;
const SWEEP_MS = 1000;
/** Requests that are not over by then are not waited for when the server closes. */
const CLOSE_MS = 2000;

/**
 * Starts a server that speaks to the Azure Cosmos DB SDKs, on files of its own.
 *
 * @throws {BusyError} when the port or the folder is in use
 */
export async function startCosmos(options: CosmosOptions): Promise<Cosmos> {
  const lock = acquireLock(join(options.directory, "lock"), {
    what: `The Cosmos DB files in ${options.directory}`,
  });
  try {
    return await startLocked(options, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

function startLocked(options: CosmosOptions, lock: Lock): Promise<Cosmos> {
  const catalog = openCatalog(options.directory);
  const makeKey = () => randomBytes(64).toString("base64");
  const writeKey = options.writeKey ?? keepSetting(catalog, "writeKey", makeKey);
  const readKey = options.readKey ?? keepSetting(catalog, "readKey", makeKey);
  const account: Account = {
    catalog,
    keys: { write: decodeKey(writeKey), read: decodeKey(readKey) },
    endpoint: "",
    now: options.now ?? Date.now,
    requests: 0,
    throttled: { left: 0, retryAfterMs: 10 },
  };
  const server = listen(account, options);
  const { port } = server.addr as Deno.NetAddr;
  account.endpoint = `http://127.0.0.1:${port}/`;
  const sweeper = setInterval(() => sweepExpired(catalog, seconds(account)), SWEEP_MS);
  return Promise.resolve({
    endpoint: account.endpoint,
    port,
    readKey,
    writeKey,
    status: () => statusOf(account),
    throttle: (left, retryAfterMs = 10) => void (account.throttled = { left, retryAfterMs }),
    close: async () => {
      clearInterval(sweeper);
      await shutDown(server);
      closeCatalog(catalog);
      lock.release();
    },
  });
}

interface Account {
  catalog: Catalog;
  keys: AccountKeys;
  endpoint: string;
  now: () => number;
  requests: number;
  throttled: { left: number; retryAfterMs: number };
}

/** Waits for requests under way; one that was sent by half holds nobody up. */
async function shutDown(server: Deno.HttpServer): Promise<void> {
  server.unref();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, CLOSE_MS);
  await Promise.race([server.shutdown(), promise]);
  clearTimeout(timer);
}

function listen(account: Account, options: CosmosOptions): Deno.HttpServer {
  const { port = 0, host = "127.0.0.1" } = options;
  try {
    return Deno.serve(
      { port, hostname: host, onListen: () => {} },
      (request) => answer(account, request),
    );
  } catch (cause) {
    closeCatalog(account.catalog);
    if (!(cause instanceof Deno.errors.AddrInUse)) throw cause;
    throw new BusyError(`Port ${port} is in use: give another, or 0 for a free one.`, { cause });
  }
}

async function answer(account: Account, request: Request): Promise<Response> {
  account.requests += 1;
  try {
    const body = await readBody(request);
    return toResponse(await dispatch(account, request, body));
  } catch (error) {
    const reply = failureReply(error);
    if (reply.status === 500) console.error("cosmos:", error);
    return toResponse(reply);
  }
}

async function readBody(request: Request): Promise<string> {
  if (request.method === "GET" || request.body === null) return "";
  const announced = request.headers.get("content-length");
  if (Number(announced ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const reading = announced === null ? readUnannounced(request.body) : request.bytes();
  const bytes = await reading.catch((cause) => {
    if (cause instanceof CosmosFailure) throw cause;
    throw badRequest("The request payload broke off.", 0, cause);
  });
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw badRequest("The request payload is not UTF-8 text.", 0, cause);
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

async function readUnannounced(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function dispatch(account: Account, request: Request, body: string): Reply | Promise<Reply> {
  const whole = pathOf(request.url);
  const erases = request.method === "POST" && whole.endsWith(PARTITION_DELETE);
  // Signed, and found, as a request on the container.
  const pathname = erases ? whole.slice(0, -PARTITION_DELETE.length) : whole;
  const route = parseRoute(pathname);
  if (route === undefined) throw badRequest("The path is malformed.");
  const { headers, method } = request;
  const reads = method === "GET" || (method === "POST" && isQuery(headers));
  authorize(account.keys, {
    verb: method,
    resourceType: signedType(pathname),
    links: route.links,
    authorization: headers.get("authorization"),
    date: headers.get("x-ms-date") ?? headers.get("date"),
    writes: !reads,
  }, account.now());
  if (route.type === "account") return accountReply(account.endpoint);
  throttleIfAsked(account);
  if (erases && route.type === "colls" && route.isOne) {
    return deletePartition(
      containerOf(account, route),
      headers.get("x-ms-documentdb-partitionkey"),
    );
  }
  const { catalog } = account;
  const asked = { method, headers, body, now: seconds(account) };
  switch (route.type) {
    case "dbs":
      return answerDatabases(catalog, route, asked);
    case "colls":
      return answerContainers(catalog, route, asked);
    case "pkranges":
      return rangesReply(containerOf(account, route), headers);
    case "offers":
      return jsonReply(200, { _rid: "", Offers: [], _count: 0 });
    case "docs": {
      const container = containerOf(account, route);
      return route.isOne ? answerItem(container, route.item!, asked) : answerFeed(container, asked);
    }
  }
  if (UNSUPPORTED.has(signedType(pathname))) {
    throw badRequest(`This local store has no ${signedType(pathname)}.`);
  }
  throw notFound();
}

/** The path of `http://host/path?query`, without the cost of a URL object. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const end = url.indexOf("?", start);
  return start < 0 ? "/" : url.slice(start, end < 0 ? undefined : end);
}

const UNSUPPORTED = new Set(["sprocs", "triggers", "udfs", "conflicts", "users", "permissions"]);

function throttleIfAsked(account: Account): void {
  if (account.throttled.left <= 0) return;
  account.throttled.left -= 1;
  const { retryAfterMs } = account.throttled;
  throw new CosmosFailure(
    429,
    'Message: {"Errors":["Request rate is large. More Request Units may be needed, so no changes were made."]}',
    { substatus: 3200, retryAfterMs },
  );
}

function containerOf(account: Account, route: Route): Container {
  if (route.database === undefined || route.container === undefined) throw notFound();
  return findContainer(account.catalog, route.database, route.container);
}

function seconds(account: Account): number {
  return Math.floor(account.now() / 1000);
}

function statusOf(account: Account): CosmosStatus {
  return {
    requests: account.requests,
    databases: [...account.catalog.databases.values()].map((database) => ({
      id: database.id,
      containers: [...database.containers.values()]
        .map((container) => ({ id: container.id, items: container.items.count })),
    })),
  };
}
