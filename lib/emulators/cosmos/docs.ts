import { runBatch } from "./batch.ts";
import type { Container } from "./catalog.ts";
import { badRequest, conflict, notAllowed, notFound, preconditionFailed } from "./failure.ts";
import { itemEtag, itemText } from "./item_store.ts";
import {
  createItem,
  deleteItem,
  type ItemRequest,
  type Outcome,
  patchItem,
  readItem,
  replaceItem,
  upsertItem,
} from "./items.ts";
import { parseJson, parseObject } from "./json.ts";
import { parsePatch } from "./patch.ts";
import { feedPage, type PageRequest, queryPage, readPlan } from "./query_page.ts";
import type { Reply } from "./reply.ts";

/** A request on items: its headers, its body, and when it came. */
export interface DocsRequest {
  method: string;
  headers: Headers;
  body: string;
  /** Seconds since 1970. */
  now: number;
}

/** Answers a request on the feed of a container's items: list, create, upsert, batch, query. */
export function answerFeed(
  container: Container,
  request: DocsRequest,
): Reply | Promise<Reply> {
  const { method, headers, body } = request;
  if (method === "GET") {
    if (headers.has("a-im")) throw badRequest("The change feed is not supported.");
    return feedPage(container, pageRequest(request));
  }
  if (method !== "POST") throw notAllowed(method, "a feed of items");
  if (isQueryPlan(headers)) {
    readPlan(parseJson(body));
    return { status: 200, body: PLAN, charge: 1, lsn: container.items.lsn };
  }
  if (isQuery(headers)) {
    return queryPage(container, parseJson(body), pageRequest(request));
  }
  if (isTrue(headers, "x-ms-cosmos-is-batch-request")) {
    return runBatch(container, parseJson(body), {
      atomic: isTrue(headers, "x-ms-cosmos-batch-atomic"),
      continueOnError: isTrue(headers, "x-ms-cosmos-batch-continue-on-error"),
      key: headers.get("x-ms-documentdb-partitionkey"),
      minimal: isMinimal(headers),
      bytes: body.length,
      now: request.now,
    });
  }
  const upserts = isTrue(headers, "x-ms-documentdb-is-upsert");
  const item = parseObject(body);
  const outcome = upserts
    ? upsertItem(container, item, itemRequest(request))
    : createItem(container, item, itemRequest(request));
  return itemReply(container, outcome, isMinimal(headers));
}

/** Answers a request on one item: read, replace, patch, delete. */
export function answerItem(container: Container, id: string, request: DocsRequest): Reply {
  const asked = itemRequest(request);
  const minimal = isMinimal(request.headers);
  switch (request.method) {
    case "GET":
      return itemReply(container, readItem(container, id, asked), false);
    case "PUT":
      return itemReply(
        container,
        replaceItem(container, id, parseObject(request.body), asked),
        minimal,
      );
    case "PATCH":
      return itemReply(
        container,
        patchItem(container, id, parsePatch(parseJson(request.body)), asked),
        minimal,
      );
    case "DELETE":
      return itemReply(container, deleteItem(container, id, asked), true);
  }
  throw notAllowed(request.method, "an item");
}

function itemReply(container: Container, outcome: Outcome, minimal: boolean): Reply {
  if (outcome.status === 404) throw notFound();
  if (outcome.status === 409) throw conflict();
  if (outcome.status === 412) throw preconditionFailed();
  const { item } = outcome;
  const etag = item && itemEtag(container.items, item.lsn, item.ts);
  return {
    status: outcome.status,
    body: item === undefined || minimal ? "" : itemText(container.items, item),
    charge: outcome.charge,
    lsn: container.items.lsn,
    headers: etag === undefined ? {} : { etag },
  };
}

function itemRequest({ headers, now }: DocsRequest): ItemRequest {
  return {
    key: headers.get("x-ms-documentdb-partitionkey"),
    ifMatch: headers.get("if-match"),
    ifNoneMatch: headers.get("if-none-match"),
    now,
  };
}

function pageRequest({ headers, now }: DocsRequest): PageRequest {
  const wanted = Number(headers.get("x-ms-max-item-count") ?? "100");
  return {
    key: headers.get("x-ms-documentdb-partitionkey"),
    range: rangeOf(headers),
    continuation: headers.get("x-ms-continuation"),
    maxItems: wanted > 0 ? wanted : 1000,
    now,
  };
}

function rangeOf(headers: Headers): PageRequest["range"] {
  const from = headers.get("x-ms-start-epk");
  const to = headers.get("x-ms-end-epk");
  return from === null && to === null ? null : { from: from ?? "", to: to ?? "FF" };
}

/** Whether a request is a query, and so may be signed with the read-only key. */
export function isQuery(headers: Headers): boolean {
  return isTrue(headers, "x-ms-documentdb-isquery") ||
    (headers.get("content-type") ?? "").startsWith("application/query+json");
}

function isQueryPlan(headers: Headers): boolean {
  return isTrue(headers, "x-ms-cosmos-is-query-plan-request");
}

function isTrue(headers: Headers, name: string): boolean {
  return headers.get(name)?.toLowerCase() === "true";
}

function isMinimal(headers: Headers): boolean {
  return headers.get("prefer") === "return=minimal";
}

/** Everything is done here: the client runs the query as it is, over the one range there is. */
const PLAN = JSON.stringify({
  partitionedQueryExecutionInfoVersion: 2,
  queryInfo: {
    distinctType: "None",
    top: null,
    offset: null,
    limit: null,
    orderBy: [],
    orderByExpressions: [],
    groupByExpressions: [],
    groupByAliases: [],
    aggregates: [],
    groupByAliasToAggregateType: {},
    rewrittenQuery: "",
    hasSelectValue: false,
    hasNonStreamingOrderBy: false,
  },
  queryRanges: [{ min: "", max: "FF", isMinInclusive: true, isMaxInclusive: false }],
});
