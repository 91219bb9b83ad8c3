import { badRequest } from "../failure.ts";
import type { Json, JsonObject } from "../json.ts";
import { checkQuery, containsAggregate, pathOf, type Uses, usesOf } from "./analyse.ts";
import type { Expression, From, Projection, Query } from "./ast.ts";
import { compile, type Compiled, type Parameters, type Row } from "./compile.ts";
import { type Collector, groupCollector, objectOf } from "./groups.ts";
import { bindSources, rootAlias, type Sources } from "./sources.ts";
import { canonical, compareValues, type Value } from "./values.ts";

/** A query, ready to run. */
export interface Plan {
  query: Query;
  parameters: Parameters;
  /** What it reads of an item. */
  uses: Uses;
  /**
   * How results follow from items: `stream`, one item after the other; `order`, one result per item
   * in another order; `collect`, only when all are seen (groups, DISTINCT); `constant`, from none.
   */
  shape: "stream" | "order" | "collect" | "constant";
  /** Set when the order is that of `_ts` alone. */
  byTime: "newest" | "oldest" | undefined;
  /** Results left out at the beginning. */
  skip: number;
  /** Most results; Infinity without TOP or LIMIT. */
  most: number;
  /** Results of one item: filtered, joined, projected. */
  resultsOf(item: JsonObject): Json[];
  /** Values to order an item by; undefined when it is not part of the result. */
  orderKeys(item: JsonObject): Value[] | undefined;
  /** Order over {@link orderKeys}. */
  compareKeys(a: Value[], b: Value[]): number;
  /** Starts collecting; `finish` answers with all results, sliced. */
  collect(): { add(item: JsonObject): void; finish(): Json[] };
  /** Runs over items in memory. */
  run(items: Iterable<JsonObject>): Json[];
  /** Runs as a subquery, for an outer row. */
  runFor(outer: Row): Json[];
}

/**
 * Makes a query ready.
 *
 * @param outer names that an outer query binds, for a subquery
 * @throws {CosmosFailure} 400 when it asks for what is not here
 */
export function planQuery(
  query: Query,
  parameters: Parameters,
  outer?: ReadonlySet<string>,
): Plan {
  if (outer === undefined) checkQuery(query);
  const parts = prepare(query, parameters);
  const { grouped, order } = parts;
  return {
    query,
    parameters,
    uses: usesOf(query),
    shape: shapeOf(query, grouped),
    byTime: grouped ? undefined : byTime(query),
    skip: parts.skip,
    most: parts.most,
    resultsOf: (item) => resultsOf(parts, item),
    orderKeys: (item) => orderKeys(parts, item),
    compareKeys: (a, b) => compareKeys(a, b, order),
    collect() {
      const collector = parts.startCollector();
      return {
        add: (item) => addRows(parts, collector, parts.sources.ofItem(item)),
        finish: () => finish(parts, collector),
      };
    },
    run(items) {
      const collector = parts.startCollector();
      const all = query.from.length === 0 ? [{}] : items;
      for (const item of all) addRows(parts, collector, parts.sources.ofItem(item));
      return finish(parts, collector);
    },
    runFor(row) {
      const collector = parts.startCollector();
      addRows(parts, collector, parts.sources.ofRow(row));
      return finish(parts, collector);
    },
  };
}

/** A query's clauses, compiled. */
interface Parts {
  query: Query;
  grouped: boolean;
  sources: Sources;
  keeps(row: Row): boolean;
  /** Undefined for groups, which their collector projects. */
  project: Compiled | undefined;
  order: Order[];
  skip: number;
  most: number;
  startCollector(): Collector;
}

function prepare(query: Query, parameters: Parameters): Parts {
  const grouped = query.groupBy.length > 0 || containsAggregate(query.projection);
  const where = query.where && compile(query.where, parameters);
  const project = grouped ? undefined : projector(query.projection, query.from, parameters);
  const order = query.orderBy.map(({ expression, descending }) => ({
    value: compile(expression, parameters),
    sign: descending ? -1 : 1,
  }));
  const top = countOf(query.top, parameters) ?? Infinity;
  const limit = countOf(query.limit, parameters) ?? Infinity;
  return {
    query,
    grouped,
    sources: bindSources(query.from, parameters),
    keeps: (row) => where === undefined || where(row) === true,
    project,
    order,
    skip: countOf(query.offset, parameters) ?? 0,
    most: Math.min(top, limit),
    startCollector: grouped
      ? groupCollector(query, parameters)
      : () => plainCollector(project!, query.distinct, order),
  };
}

function resultsOf({ sources, keeps, project }: Parts, item: JsonObject): Json[] {
  const results: Json[] = [];
  for (const row of sources.ofItem(item)) {
    const value = keeps(row) ? project!(row) : undefined;
    if (value !== undefined) results.push(value);
  }
  return results;
}

function orderKeys(parts: Parts, item: JsonObject): Value[] | undefined {
  const { query, sources, keeps, project, order } = parts;
  for (const row of sources.ofItem(item)) {
    if (!keeps(row)) return undefined;
    if (query.projection.kind === "value" && project!(row) === undefined) return undefined;
    return order.map(({ value }) => value(row));
  }
  return undefined;
}

function addRows({ keeps }: Parts, collector: Collector, rows: Iterable<Row>): void {
  for (const row of rows) if (keeps(row)) collector.add(row);
}

function finish({ query, grouped, skip, most }: Parts, collector: Collector): Json[] {
  const results = collector.finish();
  return [...sliced(grouped && query.distinct ? distinct(results) : results, skip, most)];
}

function shapeOf(query: Query, grouped: boolean): Plan["shape"] {
  if (query.from.length === 0) return "constant";
  if (grouped || query.distinct) return "collect";
  return query.orderBy.length > 0 ? "order" : "stream";
}

function byTime({ orderBy, from }: Query): Plan["byTime"] {
  const path = orderBy.length === 1 ? pathOf(orderBy[0]!.expression) : undefined;
  const isTime = path?.length === 2 && path[1] === "_ts" && path[0] === rootAlias(from[0]!) &&
    from[0]!.expression === null;
  return isTime ? (orderBy[0]!.descending ? "newest" : "oldest") : undefined;
}

interface Order {
  value: Compiled;
  sign: number;
}

/** Collects without groups: in order when asked, each value once when asked. */
function plainCollector(project: Compiled, isDistinct: boolean, order: Order[]): Collector {
  const kept: { keys: Value[]; value: Value }[] = [];
  const seen = new Set<string>();
  return {
    add(row) {
      const value = project(row);
      if (value === undefined) return;
      const keys = order.map((one) => one.value(row));
      if (isDistinct) {
        const name = canonical(value);
        if (seen.has(name)) return;
        seen.add(name);
      }
      kept.push({ keys, value });
    },
    finish() {
      if (order.length > 0) kept.sort((a, b) => compareKeys(a.keys, b.keys, order));
      return kept.map(({ value }) => value);
    },
  };
}

function compareKeys(a: Value[], b: Value[], order: Order[]): number {
  for (let i = 0; i < order.length; i++) {
    const compared = compareValues(a[i], b[i]) * order[i]!.sign;
    if (compared !== 0) return compared;
  }
  return 0;
}

function* distinct(values: Iterable<Value>): Generator<Value> {
  const seen = new Set<string>();
  for (const value of values) {
    const key = canonical(value);
    if (value === undefined || seen.has(key)) continue;
    seen.add(key);
    yield value;
  }
}

function* sliced(values: Iterable<Value>, skip: number, most: number): Generator<Json> {
  let place = 0;
  if (most <= 0) return;
  for (const value of values) {
    if (value === undefined) continue;
    place += 1;
    if (place > skip) yield value;
    if (place >= skip + most) return;
  }
}

function projector(projection: Projection, from: From[], parameters: Parameters): Compiled {
  if (projection.kind === "value") return compile(projection.expression, parameters);
  if (projection.kind === "all") {
    if (from.length !== 1) {
      throw badRequest("'SELECT *' is only valid with a single input set.");
    }
    const { alias } = from[0]!;
    return (row) => row[alias];
  }
  const items = projection.items.map(({ expression, alias }) => ({
    value: compile(expression, parameters),
    alias,
  }));
  return (row) => objectOf(items, row);
}

function countOf(expression: Expression | undefined, parameters: Parameters): number | undefined {
  if (expression === undefined) return undefined;
  const value = compile(expression, parameters)({});
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  throw badRequest("TOP, OFFSET and LIMIT need a whole number of 0 or more.");
}
