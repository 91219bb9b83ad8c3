import { Buffer } from "node:buffer";
import type { Container } from "./catalog.ts";
import { queryCharge } from "./charges.ts";
import { badRequest } from "./failure.ts";
import { itemText } from "./item_store.ts";
import { isExpired } from "./items.ts";
import { isObject, type Json, type JsonObject } from "./json.ts";
import { parseKey } from "./partition_key.ts";
import type { Parameters } from "./query/compile.ts";
import { parseQuery } from "./query/parser.ts";
import { type Plan, planQuery } from "./query/plan.ts";
import type { Reply } from "./reply.ts";

/** What a page of a feed or a query is asked with. */
export interface PageRequest {
  /** Partition key of the header; null asks all partitions. */
  key: string | null;
  continuation: string | null;
  /** Most items in the page. */
  maxItems: number;
  /** Seconds since 1970. */
  now: number;
}

/** A page is closed when it has this many bytes. */
const PAGE_BYTES = 4 * 1024 * 1024;
const KEPT_RESULTS = 16;

/** Results that cannot be paged item by item, kept until their last page is fetched. */
const kept = new Map<string, string[]>();

/**
 * Reads a query request's body.
 *
 * @throws {CosmosFailure} 400
 */
export function readPlan(body: Json): Plan {
  if (!isObject(body) || typeof body.query !== "string") {
    throw badRequest("A query request needs the property query.");
  }
  return planQuery(parseQuery(body.query), parametersOf(body.parameters));
}

function parametersOf(given: Json | undefined): Parameters {
  const parameters = new Map<string, Json>();
  for (const one of Array.isArray(given) ? given : []) {
    if (isObject(one) && typeof one.name === "string") parameters.set(one.name, one.value ?? null);
  }
  return parameters;
}

/** One page of a query's results. */
export function queryPage(container: Container, plan: Plan, request: PageRequest): Reply {
  if (plan.countsAll && request.key === null && container.defaultTtl === undefined) {
    return page(container, [String(container.items.count)], null, 1);
  }
  return plan.streams
    ? streamedPage(container, plan, request)
    : computedPage(container, plan, request);
}

/** One page of all items, as stored. */
export function feedPage(container: Container, request: PageRequest): Reply {
  const texts: string[] = [];
  let bytes = 0;
  let scanned = 0;
  for (const item of rowsAfter(container, request, rowOf(request.continuation))) {
    scanned += 1;
    const text = itemText(container.items, item);
    texts.push(text);
    bytes += text.length;
    if (texts.length >= request.maxItems || bytes >= PAGE_BYTES) {
      return page(container, texts, token({ row: item.row }), scanned);
    }
  }
  return page(container, texts, null, scanned);
}

function streamedPage(container: Container, plan: Plan, request: PageRequest): Reply {
  const texts: string[] = [];
  let bytes = 0;
  let scanned = 0;
  for (const item of rowsAfter(container, request, rowOf(request.continuation))) {
    scanned += 1;
    for (const value of plan.run([parseItem(container, item)], true)) {
      const text = JSON.stringify(value);
      texts.push(text);
      bytes += text.length;
    }
    if (texts.length >= request.maxItems || bytes >= PAGE_BYTES) {
      return page(container, texts, token({ row: item.row }), scanned);
    }
  }
  return page(container, texts, null, scanned);
}

function computedPage(container: Container, plan: Plan, request: PageRequest): Reply {
  const at = offsetOf(request.continuation);
  let texts = at === null ? undefined : kept.get(at.id);
  let scanned = 0;
  if (texts === undefined) {
    const items = function* (): Generator<JsonObject> {
      for (const item of rowsAfter(container, request, 0)) {
        scanned += 1;
        yield parseItem(container, item);
      }
    };
    texts = plan.run(items(), true).map((value) => JSON.stringify(value));
  }
  const from = at?.offset ?? 0;
  let to = from;
  for (
    let bytes = 0;
    to < texts.length && to - from < request.maxItems && bytes < PAGE_BYTES;
    to++
  ) {
    bytes += texts[to]!.length;
  }
  const id = at?.id ?? crypto.randomUUID();
  kept.delete(id);
  if (to < texts.length) {
    kept.set(id, texts);
    const oldest = kept.keys().next().value;
    if (kept.size > KEPT_RESULTS && oldest !== undefined) kept.delete(oldest);
  }
  const next = to < texts.length ? token({ id, offset: to }) : null;
  return page(container, texts.slice(from, to), next, scanned);
}

interface Row {
  row: number;
  pk: string;
  id: string;
  body: string;
  lsn: number;
  ts: number;
  ttl: number | null;
}

function* rowsAfter(container: Container, request: PageRequest, row: number): Generator<Row> {
  const { file } = container.items;
  const belongs = partitionFilter(container, request.key);
  // Chunks, so that no statement stays open while others write.
  const statement = file.prepare(
    "SELECT row, pk, id, body, lsn, ts, ttl FROM items WHERE row > ? ORDER BY row LIMIT 2000",
  );
  for (let after = row;;) {
    const rows = statement.all(after) as unknown as Row[];
    for (const item of rows) {
      if (belongs(item) && !isExpired(container, item, request.now)) yield item;
    }
    if (rows.length < 2000) return;
    after = rows.at(-1)!.row;
  }
}

/** Which items are in the partition asked for; a prefix of a hierarchical key names several. */
function partitionFilter(container: Container, key: string | null): (item: Row) => boolean {
  if (key === null) return () => true;
  const parts = parseKey(key);
  if (parts.length === 0) return () => true;
  if (container.partitionKey.isId) return (item) => item.id === parts[0];
  const wanted = parts.map((part) => JSON.stringify(part));
  return (item) => {
    const own = JSON.parse(item.pk) as Json[];
    return wanted.every((part, i) => JSON.stringify(own[i]) === part);
  };
}

function parseItem(container: Container, item: Row): JsonObject {
  return JSON.parse(itemText(container.items, item)) as JsonObject;
}

function page(
  container: Container,
  texts: string[],
  continuation: string | null,
  scanned: number,
): Reply {
  const body = `{"_rid":"${container.rid}","Documents":[${
    texts.join(",")
  }],"_count":${texts.length}}`;
  return {
    status: 200,
    body,
    charge: queryCharge(scanned, body.length),
    lsn: container.items.lsn,
    headers: {
      "x-ms-item-count": String(texts.length),
      ...(continuation === null ? {} : { "x-ms-continuation": continuation }),
    },
  };
}

function token(value: { row: number } | { id: string; offset: number }): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function readToken(text: string | null): Record<string, unknown> | null {
  if (text === null || text === "") return null;
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString()) as Record<string, unknown>;
  } catch (cause) {
    throw badRequest("The continuation token is malformed.", 0, cause);
  }
}

function rowOf(text: string | null): number {
  const row = readToken(text)?.row;
  return typeof row === "number" ? row : 0;
}

function offsetOf(text: string | null): { id: string; offset: number } | null {
  const read = readToken(text);
  if (typeof read?.id !== "string" || typeof read.offset !== "number") return null;
  return { id: read.id, offset: read.offset };
}
