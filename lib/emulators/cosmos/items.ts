import { Buffer } from "node:buffer";
import type { Container } from "./catalog.ts";
import { readCharge, writeCharge } from "./charges.ts";
import { badRequest, tooLarge } from "./failure.ts";
import { getItem, itemEtag, nextLsn, type StoredItem } from "./item_store.ts";
import type { Json, JsonObject } from "./json.ts";
import { keyMismatch, keyOfBody, keyOfHeader } from "./partition_key.ts";
import { patchBody, type PatchRequest } from "./patch.ts";
import { whereUnique } from "./unique_keys.ts";

/** Who asks, with what: common to all item operations. */
export interface ItemRequest {
  /** The partition key as the header or the batch operation carries it. */
  key: string | null | undefined;
  ifMatch?: string | null | undefined;
  ifNoneMatch?: string | null | undefined;
  /** Seconds since 1970. */
  now: number;
}

/** What became of an item operation. Expected outcomes are statuses, not exceptions. */
export interface Outcome {
  status: 200 | 201 | 204 | 304 | 404 | 409 | 412;
  charge: number;
  /** The item as it is now, when the operation answers with one. */
  item?: Pick<StoredItem, "row" | "body" | "lsn" | "ts">;
}

/** Largest item in bytes of UTF-8. */
export const MAX_ITEM_BYTES = 2 * 1024 * 1024;

const SYSTEM_PROPERTIES = ["_rid", "_self", "_etag", "_attachments", "_ts", "_lsn"];
const MISSING: Outcome = { status: 404, charge: 1 };

/** True when the item's time to live is over, by its own ttl or the container's. */
export function isExpired(
  container: Container,
  item: { ts: number; ttl: number | null },
  now: number,
): boolean {
  if (container.defaultTtl === undefined) return false;
  const ttl = item.ttl ?? container.defaultTtl;
  return ttl > 0 && item.ts + ttl <= now;
}

/** Reads an item: 200, 304 when its ETag is `ifNoneMatch`, 404. */
export function readItem(container: Container, id: string, request: ItemRequest): Outcome {
  const item = find(container, id, request);
  if (item === undefined) return MISSING;
  const charge = readCharge(item.body.length);
  if (request.ifNoneMatch && matches(container, item, request.ifNoneMatch)) {
    return { status: 304, charge: 1, item };
  }
  return { status: 200, charge, item };
}

/** Creates an item: 201, or 409 when its key is taken. */
export function createItem(container: Container, body: JsonObject, request: ItemRequest): Outcome {
  const draft = prepare(container, body, request);
  const { items } = container;
  if (container.defaultTtl !== undefined) dropExpired(container, draft.pk, draft.id, request.now);
  const lsn = nextLsn(items);
  const { changes } = items.statements.insert
    .run(lsn, draft.pk, draft.id, draft.body, request.now, draft.ttl);
  if (Number(changes) === 0) return { status: 409, charge: 1.2 };
  items.count++;
  const item = { row: lsn, body: draft.body, lsn, ts: request.now };
  return { status: 201, charge: writeCharge(draft.body.length), item };
}

/** Creates or replaces an item: 201 or 200; 412 when `ifMatch` names another version. */
export function upsertItem(container: Container, body: JsonObject, request: ItemRequest): Outcome {
  const draft = prepare(container, body, request);
  const { items } = container;
  if (container.defaultTtl !== undefined) dropExpired(container, draft.pk, draft.id, request.now);
  if (request.ifMatch || request.ifNoneMatch) {
    const found = getItem(items, draft.pk, draft.id);
    if (found !== undefined && !holds(container, found, request)) return failed();
  }
  const lsn = nextLsn(items);
  const { row } = whereUnique(() =>
    items.statements.upsert.get(lsn, draft.pk, draft.id, draft.body, request.now, draft.ttl)
  ) as { row: number };
  if (row === lsn) items.count++;
  const item = { row, body: draft.body, lsn, ts: request.now };
  return { status: row === lsn ? 201 : 200, charge: writeCharge(draft.body.length), item };
}

/** Replaces an existing item: 200, 404, 412. */
export function replaceItem(
  container: Container,
  id: string,
  body: JsonObject,
  request: ItemRequest,
): Outcome {
  const found = find(container, id, request);
  if (found === undefined) return MISSING;
  if (!holds(container, found, request)) return failed();
  const draft = prepare(container, body, request);
  if (draft.id !== id) throw badRequest("The id of an item cannot be changed.");
  return write(container, found, draft, request.now);
}

/** Changes parts of an existing item: 200, 404, 412 when ETag or condition do not hold. */
export function patchItem(
  container: Container,
  id: string,
  patch: PatchRequest,
  request: ItemRequest,
): Outcome {
  const found = find(container, id, request);
  if (found === undefined) return MISSING;
  if (!holds(container, found, request)) return failed();
  const body = JSON.parse(found.body) as JsonObject;
  if (patch.condition !== undefined) {
    const { items } = container;
    const seen = {
      ...body,
      _ts: found.ts,
      _rid: items.ridOf(found.row),
      _etag: itemEtag(items, found.lsn, found.ts),
    };
    if (!patch.condition(seen)) return failed();
  }
  patchBody(body, patch.operations);
  const draft = prepare(container, body, { ...request, key: undefined });
  if (draft.pk !== found.pk || draft.id !== id) {
    throw badRequest("A patch cannot change the id or the partition key of an item.");
  }
  return write(container, found, draft, request.now);
}

/** Deletes an item: 204, 404, 412. */
export function deleteItem(container: Container, id: string, request: ItemRequest): Outcome {
  const found = find(container, id, request);
  if (found === undefined) return MISSING;
  if (!holds(container, found, request)) return failed();
  nextLsn(container.items);
  container.items.statements.delete.run(found.row);
  container.items.count--;
  return { status: 204, charge: writeCharge(found.body.length) };
}

function find(container: Container, id: string, request: ItemRequest): StoredItem | undefined {
  const pk = keyOfHeader(container.partitionKey, request.key, id);
  if (pk === undefined) return undefined;
  const item = getItem(container.items, pk, id);
  return item === undefined || isExpired(container, item, request.now) ? undefined : item;
}

function write(
  container: Container,
  found: StoredItem,
  draft: Draft,
  now: number,
): Outcome {
  const lsn = nextLsn(container.items);
  whereUnique(() =>
    container.items.statements.update.run(found.row, draft.body, lsn, now, draft.ttl)
  );
  const item = { row: found.row, body: draft.body, lsn, ts: now };
  return { status: 200, charge: writeCharge(draft.body.length), item };
}

function failed(): Outcome {
  return { status: 412, charge: 1.2 };
}

function holds(container: Container, item: StoredItem, request: ItemRequest): boolean {
  if (request.ifMatch && request.ifMatch !== "*" && !matches(container, item, request.ifMatch)) {
    return false;
  }
  return !(request.ifNoneMatch && matches(container, item, request.ifNoneMatch));
}

function matches(container: Container, item: StoredItem, tag: string): boolean {
  if (tag === "*") return true;
  const etag = itemEtag(container.items, item.lsn, item.ts);
  return tag === etag || `"${tag}"` === etag;
}

function dropExpired(container: Container, pk: string, id: string, now: number): void {
  const found = getItem(container.items, pk, id);
  if (found === undefined || !isExpired(container, found, now)) return;
  container.items.statements.delete.run(found.row);
  container.items.count--;
}

interface Draft {
  pk: string;
  id: string;
  body: string;
  ttl: number | null;
}

function prepare(container: Container, body: JsonObject, request: ItemRequest): Draft {
  for (const name of SYSTEM_PROPERTIES) if (name in body) delete body[name];
  const id = checkId(body.id);
  const definition = container.partitionKey;
  const pk = keyOfBody(definition, body);
  if (request.key !== undefined && request.key !== null) {
    if (keyOfHeader(definition, request.key, id) !== pk) throw keyMismatch();
  }
  const text = JSON.stringify(body);
  if (text.length > MAX_ITEM_BYTES / 3 && Buffer.byteLength(text) > MAX_ITEM_BYTES) {
    throw tooLarge();
  }
  return { pk, id, body: text, ttl: checkTtl(body.ttl) };
}

/** @throws {CosmosFailure} 400 when the id is not one the service takes */
export function checkId(id: Json | undefined, most = 1023): string {
  if (typeof id !== "string" || id === "") {
    throw badRequest(
      "The input content is invalid because the required properties - 'id; ' - " +
        "are missing",
    );
  }
  if (/[/\\?#]/.test(id) || id.length > most || id.endsWith(" ")) {
    throw badRequest(
      `The resource id is invalid: it must have at most ${most} characters, none of / \\ ? #, and ` +
        "must not end with a space.",
    );
  }
  return id;
}

function checkTtl(ttl: Json | undefined): number | null {
  if (ttl === undefined || ttl === null) return null;
  if (typeof ttl === "number" && Number.isInteger(ttl) && (ttl === -1 || ttl > 0)) {
    return Math.min(ttl, 2_147_483_647);
  }
  throw badRequest(
    `The input ttl '${JSON.stringify(ttl)}' is invalid. Ensure to provide a nonzero positive ` +
      "integer less than or equal to '2147483647', or -1.",
  );
}
