import {
  type Catalog,
  type Container,
  createContainer,
  createDatabase,
  deleteContainer,
  deleteDatabase,
  findContainer,
  findDatabase,
  replaceContainer,
} from "./catalog.ts";
import { type DocsRequest, isQuery } from "./docs.ts";
import { notAllowed, preconditionFailed } from "./failure.ts";
import { checkId } from "./items.ts";
import { type Json, type JsonObject, parseJson, parseObject } from "./json.ts";
import { readPlan } from "./query_page.ts";
import { jsonReply, type Reply } from "./reply.ts";
import { containerEtag, containerResource, databaseResource } from "./resource_shape.ts";
import type { Route } from "./route.ts";

/** The account: where it is, and what the SDKs want to know of it. */
export function accountReply(endpoint: string): Reply {
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

/** Answers a request on databases or on one of them. */
export function answerDatabases(catalog: Catalog, route: Route, asked: DocsRequest): Reply {
  const { method, headers, body, now } = asked;
  if (route.isOne) {
    const id = route.database!;
    if (method === "GET") return jsonReply(200, databaseResource(findDatabase(catalog, id)));
    if (method !== "DELETE") throw notAllowed(method, "a database");
    deleteDatabase(catalog, id);
    return { status: 204, body: "" };
  }
  if (method === "POST" && !isQuery(headers)) {
    const id = checkId(parseObject(body).id, 255);
    return jsonReply(201, databaseResource(createDatabase(catalog, id, now)));
  }
  const all = [...catalog.databases.values()].map(databaseResource);
  return listReply(all, asked, (some) => ({ _rid: "", Databases: some, _count: some.length }));
}

/** Answers a request on the containers of a database or on one of them. */
export function answerContainers(catalog: Catalog, route: Route, asked: DocsRequest): Reply {
  const { method, headers, body, now } = asked;
  const database = findDatabase(catalog, route.database!);
  if (!route.isOne) {
    if (method === "POST" && !isQuery(headers)) {
      const definition = parseObject(body);
      const named = { ...definition, id: checkId(definition.id, 255) };
      return jsonReply(201, containerResource(createContainer(catalog, database.id, named, now)));
    }
    const all = [...database.containers.values()].map(containerResource);
    const _rid = database.rid;
    return listReply(
      all,
      asked,
      (some) => ({ _rid, DocumentCollections: some, _count: some.length }),
    );
  }
  const container = findContainer(catalog, database.id, route.container!);
  const expected = headers.get("if-match");
  if (method !== "GET" && expected && expected !== "*" && expected !== containerEtag(container)) {
    throw preconditionFailed();
  }
  if (method === "DELETE") {
    deleteContainer(catalog, database.id, container.id);
    return { status: 204, body: "" };
  }
  if (method === "PUT") replaceContainer(catalog, container, parseObject(body), now);
  else if (method !== "GET") throw notAllowed(method, "a container");
  return jsonReply(200, containerResource(container), { lsn: container.items.lsn });
}

/** A list of databases or containers, or what a query over it answers with. */
function listReply(all: JsonObject[], asked: DocsRequest, wrap: (some: Json[]) => unknown): Reply {
  if (asked.method === "GET") return jsonReply(200, wrap(all));
  if (asked.method !== "POST") throw notAllowed(asked.method, "a list of resources");
  return jsonReply(200, wrap(readPlan(parseJson(asked.body)).run(all)));
}

/** The one range that all keys are in. */
export function rangesReply(container: Container, headers: Headers): Reply {
  const etag = `"${container.revision}"`;
  // Who has seen the ranges asks for what changed since.
  if (headers.get("if-none-match") === etag) return { status: 304, body: "", headers: { etag } };
  const range = {
    id: "0",
    _rid: container.rid,
    _self: `${container.self}pkranges/0/`,
    _etag: etag,
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
  return jsonReply(200, body, { headers: { etag } });
}
