import type { Container } from "./catalog.ts";
import { queryCharge } from "./charges.ts";
import { fingerprint, placeOf, readToken, type Token, writeToken } from "./continuation.ts";
import { badRequest } from "./failure.ts";
import { itemText } from "./item_store.ts";
import { isExpired } from "./items.ts";
import { isObject, type Json } from "./json.ts";
import { forgetResults, keepResults, keptResults, type Results } from "./kept_results.ts";
import type { Parameters } from "./query/compile.ts";
import { parseQuery } from "./query/parser.ts";
import { type Plan, planQuery } from "./query/plan.ts";
import type { Value } from "./query/values.ts";
import type { Reply } from "./reply.ts";
import {
  chunksOf,
  countOf,
  itemAt,
  needsBody,
  queryView,
  type Scan,
  type ScannedItem,
  type Scope,
  selectionOf,
} from "./scan.ts";

/** What a page of a feed or a query is asked with. */
export interface PageRequest extends Scope {
  continuation: string | null;
  /** Most items in the page. */
  maxItems: number;
  /** Seconds since 1970. */
  now: number;
}

/** A page is closed when it has this many bytes, or has been looked for this long. */
const PAGE_BYTES = 4 * 1024 * 1024;
const PAGE_MS = 1000;
/** Others get their turn after this much work at a stretch. */
const STRETCH_MS = 20;

/**
 * Reads a query request's body.
 *
 * @throws {CosmosFailure} 400
 */
export function readPlan(body: Json): Plan {
  if (!isObject(body) || typeof body.query !== "string") {
    throw badRequest("A query request needs the property query.");
  }
  try {
    return planQuery(parseQuery(body.query), parametersOf(body.parameters));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw badRequest("The query is too complex: it has too many operators in a row.", 0, error);
  }
}

function parametersOf(given: Json | undefined): Parameters {
  const parameters = new Map<string, Json>();
  for (const one of Array.isArray(given) ? given : []) {
    if (isObject(one) && typeof one.name === "string") parameters.set(one.name, one.value ?? null);
  }
  return parameters;
}

/** One page of a query's results. */
export async function queryPage(
  container: Container,
  body: Json,
  request: PageRequest,
): Promise<Reply> {
  const plan = readPlan(body);
  const name = fingerprint(container, body, request);
  const token = readToken(request.continuation, name);
  if (plan.shape === "constant") {
    return pageReply(container, plan.run([]).map((value) => JSON.stringify(value)), null, 0);
  }
  const selection = selectionOf(container, request, plan);
  if (countsAll(plan)) {
    const count = countOf(container, selection, request.now);
    return pageReply(container, [String(count)], null, 1);
  }
  const order = plan.byTime !== undefined && selection.kind === "all" ? plan.byTime : "row";
  const scan: Scan = { selection, order, bodies: needsBody(plan.uses) };
  const work: Work = { container, plan, scan, request, name };
  const streams = plan.shape === "stream" || (plan.shape === "order" && order !== "row");
  return streams ? await streamedPage(work, token) : await computedPage(work, token);
}

/** One page of all items, as stored. */
export function feedPage(container: Container, request: PageRequest): Reply {
  const name = fingerprint(container, null, request);
  const token = readToken(request.continuation, name);
  const selection = selectionOf(container, request);
  const texts: string[] = [];
  let bytes = 0;
  const scan: Scan = { selection, order: "row", bodies: true };
  for (const chunk of chunksOf(container, scan, token?.place, request.now)) {
    for (const item of chunk) {
      const text = itemText(container.items, item);
      texts.push(text);
      bytes += text.length;
      if (texts.length >= request.maxItems || bytes >= PAGE_BYTES) {
        const next = writeToken({ name, place: placeOf(item) });
        return pageReply(container, texts, next, texts.length);
      }
    }
  }
  return pageReply(container, texts, null, texts.length);
}

interface Work {
  container: Container;
  plan: Plan;
  scan: Scan;
  request: PageRequest;
  /** Tells this query from others in continuations. */
  name: string;
}

/** Results that follow the items one by one: the continuation is the last item seen. */
async function streamedPage(work: Work, token: Token | undefined): Promise<Reply> {
  const { container, plan, scan, request, name } = work;
  const resultsOf = resultTexts(container, plan);
  const texts: string[] = [];
  let [skip, left] = [token?.skip ?? plan.skip, token?.left ?? plan.most];
  let [bytes, scanned] = [0, 0];
  const turn = startTurn();
  if (left <= 0) return pageReply(container, texts, null, 0);
  for (const chunk of chunksOf(container, scan, token?.place, request.now)) {
    for (const item of chunk) {
      scanned += 1;
      for (const text of resultsOf(item)) {
        if (skip > 0) skip -= 1;
        else if (left > 0) {
          left -= 1;
          texts.push(text);
          bytes += text.length;
        }
      }
      if (left <= 0) return pageReply(container, texts, null, scanned);
      if (texts.length >= request.maxItems || bytes >= PAGE_BYTES || turn.isOver()) {
        const rest = { skip, ...(left === Infinity ? {} : { left }) };
        const next = writeToken({ name, place: placeOf(item), ...rest });
        return pageReply(container, texts, next, scanned);
      }
    }
    await turn.pause();
  }
  return pageReply(container, texts, null, scanned);
}

/** Results that need all items first: kept until their last page is fetched. */
async function computedPage(work: Work, token: Token | undefined): Promise<Reply> {
  const { container, plan, request, name } = work;
  let results = token?.kept === undefined ? undefined : keptResults(token.kept);
  let scanned = 0;
  if (results === undefined) {
    results = plan.shape === "order" ? await orderedRows(work) : await collectedTexts(work);
    scanned = results.length;
  }
  const texts: string[] = [];
  const resultsOf = resultTexts(container, plan);
  let at = token?.offset ?? 0;
  for (let bytes = 0; at < results.length && bytes < PAGE_BYTES; at++) {
    if (texts.length >= request.maxItems) break;
    const found = "texts" in results
      ? [results.texts[at]!]
      : livingResults(work, results.rows[at]!, resultsOf);
    for (const text of found) {
      texts.push(text);
      bytes += text.length;
    }
  }
  if (at >= results.length) {
    if (token?.kept !== undefined) forgetResults(token.kept);
    return pageReply(container, texts, null, scanned);
  }
  const kept = keepResults(token?.kept, results);
  return pageReply(container, texts, writeToken({ name, kept, offset: at }), scanned);
}

/** Results of a row that was ordered before: none when it is deleted or expired since. */
function livingResults(
  { container, request }: Work,
  row: number,
  resultsOf: (item: ScannedItem) => string[],
): string[] {
  const item = itemAt(container, row);
  return item === undefined || isExpired(container, item, request.now) ? [] : resultsOf(item);
}

async function orderedRows({ container, plan, scan, request }: Work): Promise<Results> {
  const view = queryView(container, plan.uses);
  const found: { row: number; keys: Value[] }[] = [];
  const turn = startTurn();
  for (const chunk of chunksOf(container, scan, undefined, request.now)) {
    for (const item of chunk) {
      const keys = plan.orderKeys(view(item));
      if (keys !== undefined) found.push({ row: item.row, keys });
    }
    await turn.pause();
  }
  found.sort((a, b) => plan.compareKeys(a.keys, b.keys));
  const rows = found.slice(plan.skip, plan.skip + plan.most).map(({ row }) => row);
  return { rows, length: rows.length, bytes: rows.length * 8 };
}

async function collectedTexts({ container, plan, scan, request }: Work): Promise<Results> {
  const view = queryView(container, plan.uses);
  const collector = plan.collect();
  const turn = startTurn();
  for (const chunk of chunksOf(container, scan, undefined, request.now)) {
    for (const item of chunk) collector.add(view(item));
    await turn.pause();
  }
  const texts = collector.finish().map((value) => JSON.stringify(value));
  return { texts, length: texts.length, bytes: texts.reduce((sum, { length }) => sum + length, 0) };
}

/** Results of an item as JSON; the item's own text where it is asked for whole and unfiltered. */
function resultTexts(container: Container, plan: Plan): (item: ScannedItem) => string[] {
  const { from, where, projection } = plan.query;
  const isWhole = projection.kind === "all" ||
    (projection.kind === "value" && projection.expression.kind === "name");
  const isPlain = isWhole && from.length === 1 && from[0]!.expression === null;
  if (isPlain && where === undefined) return (item) => [itemText(container.items, item)];
  const view = queryView(container, plan.uses);
  if (isPlain) {
    return (item) => plan.resultsOf(view(item)).map(() => itemText(container.items, item));
  }
  return (item) => plan.resultsOf(view(item)).map((value) => JSON.stringify(value));
}

/** `SELECT VALUE COUNT(1) FROM c`, whatever the constant. */
function countsAll({ query }: Plan): boolean {
  const { projection, from } = query;
  return projection.kind === "value" && projection.expression.kind === "call" &&
    projection.expression.name === "COUNT" && projection.expression.args[0]?.kind === "constant" &&
    projection.expression.args[0].value !== undefined && from.length === 1 &&
    from[0]!.expression === null && query.where === undefined && query.groupBy.length === 0 &&
    query.top === undefined && query.offset === undefined;
}

function startTurn(): { isOver(): boolean; pause(): Promise<void> } {
  const started = performance.now();
  let rested = started;
  return {
    isOver: () => performance.now() - started > PAGE_MS,
    async pause() {
      if (performance.now() - rested < STRETCH_MS) return;
      await new Promise<void>((resolve) => setTimeout(resolve));
      rested = performance.now();
    },
  };
}

function pageReply(
  container: Container,
  texts: string[],
  continuation: string | null,
  scanned: number,
): Reply {
  const list = texts.join(",");
  const body = `{"_rid":"${container.rid}","Documents":[${list}],"_count":${texts.length}}`;
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
