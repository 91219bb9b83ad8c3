import type { StatementSync } from "node:sqlite";
import type { Container } from "./catalog.ts";
import { notFound } from "./failure.ts";
import { itemEtag, type StoredItem } from "./item_store.ts";
import { effectiveKey, type KeyRange } from "./effective_key.ts";
import type { Json, JsonObject } from "./json.ts";
import { keyFilter, parseKey } from "./partition_key.ts";
import { allowedValues, type Uses } from "./query/analyse.ts";
import type { Plan } from "./query/plan.ts";
import { rootAlias } from "./query/sources.ts";

/** Which items a page looks at, as narrow as an index can tell. */
export type Selection =
  | { kind: "all" }
  | { kind: "key"; pk: string }
  /** Keys from `from` up to `to`, which is not in: a prefix of a hierarchical key. */
  | { kind: "keys"; from: string; to: string }
  | { kind: "ids"; ids: string[] }
  | { kind: "several"; pks: string[] };

/** A run over items, in an order that can be gone on with. */
export interface Scan {
  selection: Selection;
  /** `row`: as they came; the others by `_ts`, for the selection `all` only. */
  order: "row" | "newest" | "oldest";
  /** Whether rows need their body. */
  bodies: boolean;
}

/** An item of a scan: with its body when the scan has bodies, else with its id. */
export type ScannedItem = Pick<StoredItem, "row" | "lsn" | "ts" | "body" | "id">;

/** A place in a scan: the last row seen. */
export interface Place {
  row: number;
  ts: number;
}

const CHUNK = 1000;

/** Which part of a container a request asks for. */
export interface Scope {
  /** Partition key of the header; null without one. */
  key: string | null;
  /** Range of effective partition keys; null without one. */
  range: KeyRange | null;
}

/** Which items a request can concern: those of its partition key, those its condition names. */
export function selectionOf(container: Container, scope: Scope, plan?: Plan): Selection {
  const { key, range } = scope;
  if (range !== null) return inRange(container, range);
  const byKey = key === null ? undefined : keyFilter(container.partitionKey, parseKey(key));
  if (byKey?.kind === "key") return byKey;
  if (byKey?.kind === "id") return { kind: "ids", ids: [byKey.id] };
  const first = plan?.query.from[0];
  if (plan === undefined || first === undefined || first.expression !== null) {
    return byKey ?? { kind: "all" };
  }
  const root = rootAlias(first);
  const allowed = (path: string[]) =>
    allowedValues(plan.query.where, [root, ...path], plan.parameters);
  if (!container.partitionKey.isId) {
    const parts = container.partitionKey.paths.map(allowed);
    if (parts.every((values) => values?.length === 1 && typeof values[0] !== "object")) {
      return { kind: "key", pk: JSON.stringify(parts.map((values) => values![0])) };
    }
  }
  if (byKey !== undefined) return byKey;
  const ids = allowed(["id"]);
  if (ids === undefined) return { kind: "all" };
  return { kind: "ids", ids: ids.filter((id) => typeof id === "string") as string[] };
}

/** Looks at every key: clients ask by ranges only for prefixes of hierarchical keys. */
function inRange(container: Container, { from, to }: KeyRange): Selection {
  const { partitionKey } = container;
  if (from === "" && to === "FF") return { kind: "all" };
  const column = partitionKey.isId ? "id" : "pk";
  const keys = prepared(container, `SELECT DISTINCT ${column} AS name FROM items`).all();
  const names = keys.map(({ name }) => String(name)).filter((name) => {
    const parts = partitionKey.isId ? [name] : JSON.parse(name) as Json[];
    const hash = effectiveKey(partitionKey, parts);
    return hash >= from && hash < to;
  });
  return partitionKey.isId ? { kind: "ids", ids: names } : { kind: "several", pks: names };
}

/** Items of a scan after a place, in chunks; no statement stays open between two of them. */
export function* chunksOf(
  container: Container,
  scan: Scan,
  after: Place | undefined,
  now: number,
): Generator<ScannedItem[]> {
  const statement = statementOf(container, scan);
  const live = container.defaultTtl === undefined ? {} : { now, ttl: container.defaultTtl };
  const start = scan.order === "newest" ? { row: MOST, ts: MOST } : { row: 0, ts: 0 };
  let place = after ?? start;
  for (;;) {
    // A query gives way to others between chunks: one of them may drop the container.
    if (!container.items.file.isOpen) throw notFound();
    const at = scan.order === "row" ? { row: place.row } : { row: place.row, ts: place.ts };
    const rows = statement.all({ ...at, ...live, ...selected(scan.selection) });
    if (rows.length > 0) yield rows as unknown as ScannedItem[];
    if (rows.length < CHUNK) return;
    place = rows.at(-1) as unknown as Place;
  }
}

/** Number of items of a selection, by the indexes alone unless items may be expired. */
export function countOf(container: Container, selection: Selection, now: number): number {
  const { defaultTtl, items } = container;
  if (selection.kind === "all" && defaultTtl === undefined) return items.count;
  const sql = `SELECT count(*) AS n FROM items ${indexOf(container, selection)} ` +
    `WHERE ${conditionOf(container, selection)}`;
  const live = defaultTtl === undefined ? {} : { now, ttl: defaultTtl };
  return Number(prepared(container, sql).get({ ...live, ...selected(selection) })!.n);
}

/** The item of a row number, undefined when it is gone. */
export function itemAt(container: Container, row: number): StoredItem | undefined {
  const sql = "SELECT row, pk, id, body, lsn, ts, ttl FROM items WHERE row = $row";
  return prepared(container, sql).get({ row }) as unknown as StoredItem | undefined;
}

const SYSTEM = ["_rid", "_self", "_etag", "_attachments", "_ts"];

/** Whether what a query uses is in the columns beside the body. */
export function needsBody({ whole, names }: Uses): boolean {
  return whole || [...names].some((name) => name !== "id" && !SYSTEM.includes(name));
}

/** Makes the item as a query sees it, with those system properties that the query uses. */
export function queryView(container: Container, uses: Uses): (item: ScannedItem) => JsonObject {
  const { items } = container;
  const wants = (name: string) => uses.whole || uses.names.has(name);
  const [rid, self, etag] = [wants("_rid"), wants("_self"), wants("_etag")];
  const [attachments, ts, bodies] = [wants("_attachments"), wants("_ts"), needsBody(uses)];
  return (item) => {
    const view: JsonObject = bodies ? JSON.parse(item.body) : { id: item.id };
    if (rid) view._rid = items.ridOf(item.row);
    if (self) view._self = `${items.self}docs/${items.ridOf(item.row)}/`;
    if (etag) view._etag = itemEtag(items, item.lsn, item.ts);
    if (attachments) view._attachments = "attachments/";
    if (ts) view._ts = item.ts;
    return view;
  };
}

const MOST = Number.MAX_SAFE_INTEGER;

function selected(selection: Selection): Record<string, string> {
  switch (selection.kind) {
    case "key":
      return { pk: selection.pk };
    case "keys":
      return { from: selection.from, to: selection.to };
    case "ids":
      return { ids: JSON.stringify(selection.ids) };
    case "several":
      return { pks: JSON.stringify(selection.pks) };
  }
  return {};
}

function statementOf(container: Container, scan: Scan): StatementSync {
  const { selection, order } = scan;
  const columns = `row, lsn, ts, ${scan.bodies ? "body" : "id"}`;
  const condition = conditionOf(container, selection);
  if (order !== "row") {
    const [sign, direction] = order === "newest" ? ["<", "DESC"] : [">", "ASC"];
    ensureIndex(container, "items_ts", "ts");
    return prepared(
      container,
      `SELECT ${columns} FROM items INDEXED BY items_ts WHERE ts ${sign}= $ts AND ` +
        `(ts ${sign} $ts OR row ${sign} $row) AND ${condition} ` +
        `ORDER BY ts ${direction}, row ${direction} LIMIT ${CHUNK}`,
    );
  }
  if (selection.kind === "all") {
    return prepared(
      container,
      `SELECT ${columns} FROM items WHERE row > $row AND ${condition} ORDER BY row LIMIT ${CHUNK}`,
    );
  }
  return prepared(
    container,
    `SELECT ${columns} FROM items WHERE row IN (SELECT row FROM items ` +
      `${indexOf(container, selection)} WHERE ${condition} AND row > $row ` +
      `ORDER BY row LIMIT ${CHUNK}) ORDER BY row`,
  );
}

function conditionOf(container: Container, selection: Selection): string {
  const live = container.defaultTtl === undefined
    ? "1"
    : "NOT (coalesce(ttl, $ttl) > 0 AND ts + coalesce(ttl, $ttl) <= $now)";
  switch (selection.kind) {
    case "all":
      return live;
    case "key":
      return `pk = $pk AND ${live}`;
    case "keys":
      return `pk >= $from AND pk < $to AND ${live}`;
    case "several":
      return `pk IN (SELECT value FROM json_each($pks)) AND ${live}`;
    case "ids": {
      const isIn = "id IN (SELECT value FROM json_each($ids))";
      return container.partitionKey.isId
        ? `pk = '' AND ${isIn} AND ${live}`
        : `${isIn} AND ${live}`;
    }
  }
}

function indexOf(container: Container, selection: Selection): string {
  if (selection.kind === "all") return "";
  if (selection.kind !== "ids" || container.partitionKey.isId) return "INDEXED BY items_key";
  ensureIndex(container, "items_id", "id");
  return "INDEXED BY items_id";
}

/** An index is made when the first query wants it: writes need not carry what nobody asks. */
function ensureIndex(container: Container, name: string, column: string): void {
  const { items } = container;
  if (items.indexes.has(name)) return;
  items.file.exec(`CREATE INDEX IF NOT EXISTS ${name} ON items (${column})`);
  items.indexes.add(name);
}

function prepared(container: Container, sql: string): StatementSync {
  const { queries, file } = container.items;
  let statement = queries.get(sql);
  if (statement === undefined) queries.set(sql, statement = file.prepare(sql));
  return statement;
}
