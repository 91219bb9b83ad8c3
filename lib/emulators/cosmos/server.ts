import { randomBytes } from "node:crypto";
import { BusyError } from "clickstream/config";
import { type AccountKeys, authorize, decodeKey } from "./authorization.ts";
import {
  type Catalog,
  closeCatalog,
  containerResource,
  createContainer,
  createDatabase,
  databaseResource,
  deleteContainer,
  deleteDatabase,
  findContainer,
  findDatabase,
  keepSetting,
  openCatalog,
  replaceContainer,
} from "./catalog.ts";
import { answerFeed, answerItem, isQuery } from "./docs.ts";
import { badRequest, CosmosFailure, notFound, tooLarge } from "./failure.ts";
import { checkId } from "./items.ts";
import { type JsonObject, parseObject } from "./json.ts";
import { failureReply, jsonReply, type Reply, toResponse } from "./reply.ts";
import { parseRoute, type Route, signedType } from "./route.ts";

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
  /** Ends after the requests that are being answered. */
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 16 * 1024 * 1024;

/**
 * Starts a server that speaks to the Azure Cosmos DB SDKs, on files of its own.
 *
 * @throws {BusyError} when the port is in use
 */
export function startCosmos(options: CosmosOptions): Promise<Cosmos> {
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
  return Promise.resolve({
    endpoint: account.endpoint,
    port,
    readKey,
    writeKey,
    status: () => statusOf(account),
    throttle: (left, retryAfterMs = 10) => void (account.throttled = { left, retryAfterMs }),
    close: async () => {
      await server.shutdown();
      closeCatalog(catalog);
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
    if (!(error instanceof CosmosFailure)) console.error("cosmos:", error);
    return toResponse(failureReply(error));
  }
}

async function readBody(request: Request): Promise<string> {
  if (request.body === null) return "";
  if (Number(request.headers.get("content-length") ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  const whole = chunks.length === 1 ? chunks[0]! : await new Blob(chunks as BlobPart[]).bytes();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(whole);
  } catch (cause) {
    throw badRequest("The request payload is not UTF-8 text.", 0, cause);
  }
}

function dispatch(account: Account, request: Request, body: string): Reply | Promise<Reply> {
  const { pathname } = new URL(request.url);
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
  if (route.type === "account") return accountReply(account);
  throttleIfAsked(account);
  switch (route.type) {
    case "dbs":
      return answerDatabases(account, route, method, body);
    case "colls":
      return answerContainers(account, route, method, body);
    case "pkranges":
      return rangesReply(containerOf(account, route));
    case "docs": {
      const asked = { method, headers, body, now: seconds(account) };
      const container = containerOf(account, route);
      return route.isOne ? answerItem(container, route.item!, asked) : answerFeed(container, asked);
    }
  }
  throw notFound();
}

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

function accountReply(account: Account): Reply {
  const { endpoint } = account;
  const location = { name: "Local", databaseAccountEndpoint: endpoint };
  return jsonReply(200, {
    _self: "",
    id: "clickstream-local",
    _rid: "clickstream-local",
    media: "//media/",
    addresses: "//addresses/",
    _dbs: "//dbs/",
    writableLocations: [location],
    readableLocations: [location],
    enableMultipleWriteLocations: false,
    userReplicationPolicy: { asyncReplication: false, minReplicaSetSize: 1, maxReplicasetSize: 4 },
    userConsistencyPolicy: { defaultConsistencyLevel: "Session" },
    systemReplicationPolicy: { minReplicaSetSize: 1, maxReplicasetSize: 4 },
    readPolicy: { primaryReadCoefficient: 1, secondaryReadCoefficient: 1 },
    queryEngineConfiguration: "{}",
  });
}

function answerDatabases(account: Account, route: Route, method: string, body: string): Reply {
  const { catalog } = account;
  if (!route.isOne) {
    if (method === "POST" && body.includes('"query"') === false) {
      const { id } = parseObject(body);
      return jsonReply(
        201,
        databaseResource(createDatabase(catalog, checkId(id), seconds(account))),
      );
    }
    const all = [...catalog.databases.values()].map(databaseResource);
    return jsonReply(200, { _rid: "", Databases: all, _count: all.length });
  }
  const id = route.database!;
  if (method === "GET") return jsonReply(200, databaseResource(findDatabase(catalog, id)));
  if (method !== "DELETE") throw badRequest(`${method} is not possible on a database.`);
  deleteDatabase(catalog, id);
  return { status: 204, body: "" };
}

function answerContainers(account: Account, route: Route, method: string, body: string): Reply {
  const { catalog } = account;
  const database = route.database!;
  if (!route.isOne) {
    if (method === "POST" && body.includes('"query"') === false) {
      const definition = parseObject(body);
      const named = { ...definition, id: checkId(definition.id) } as JsonObject & { id: string };
      const made = createContainer(catalog, database, named, seconds(account));
      return jsonReply(201, containerResource(made));
    }
    const all = [...findDatabase(catalog, database).containers.values()].map(containerResource);
    const _rid = findDatabase(catalog, database).rid;
    return jsonReply(200, { _rid, DocumentCollections: all, _count: all.length });
  }
  const id = route.container!;
  if (method === "DELETE") {
    deleteContainer(catalog, database, id);
    return { status: 204, body: "" };
  }
  const container = findContainer(catalog, database, id);
  if (method === "PUT") replaceContainer(catalog, container, parseObject(body), seconds(account));
  else if (method !== "GET") throw badRequest(`${method} is not possible on a container.`);
  return jsonReply(200, containerResource(container), { lsn: container.items.lsn });
}

/** The one range that all keys are in. */
function rangesReply(container: ReturnType<typeof containerOf>): Reply {
  const range = {
    id: "0",
    _rid: container.rid,
    _self: `${container.self}pkranges/0/`,
    _etag: `"${container.revision}"`,
    _ts: container.ts,
    minInclusive: "",
    maxExclusive: "FF",
    ridPrefix: 0,
    throughputFraction: 1,
    status: "online",
    parents: [],
    lsn: container.items.lsn,
  };
  const body = { _rid: container.rid, PartitionKeyRanges: [range], _count: 1 };
  return jsonReply(200, body, { headers: { etag: `"${container.revision}"` } });
}

function containerOf(account: Account, route: Route) {
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
