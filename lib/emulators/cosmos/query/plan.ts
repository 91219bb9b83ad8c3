import { badRequest } from "../failure.ts";
import { isObject, type Json, type JsonObject } from "../json.ts";
import type { Expression, From, Projection, Query } from "./ast.ts";
import { compile, type Compiled, type Parameters, type Row } from "./compile.ts";
import { aggregateFunction } from "./functions.ts";
import { canonical, compareValues, type Value } from "./values.ts";

/** A query, ready to run. */
export interface Plan {
  /**
   * Runs over rows.
   *
   * @param rows items when `areItems`, else outer rows of a subquery
   */
  run(rows: Iterable<Row> | Iterable<JsonObject>, areItems: boolean): Json[];
  /** Whether results follow items one by one: no order, no groups, nothing distinct. */
  streams: boolean;
  /** The query asks for nothing but the number of all items. */
  countsAll: boolean;
}

/**
 * Makes a query ready.
 *
 * @throws {CosmosFailure} 400 when it asks for what is not here
 */
export function planQuery(query: Query, parameters: Parameters): Plan {
  const grouped = query.groupBy.length > 0 || hasAggregate(query.projection);
  if (query.projection.kind === "all" && grouped) {
    throw badRequest("'SELECT *' cannot be used with GROUP BY.");
  }
  const expand = sources(query.from, parameters);
  const where = query.where && compile(query.where, parameters);
  const keeps = (row: Row) => where === undefined || where(row) === true;
  const project = grouped ? null : projector(query.projection, query.from, parameters);
  const group = grouped ? grouper(query, parameters) : null;
  const order = query.orderBy.map(({ expression, descending }) => ({
    value: compile(expression, parameters),
    sign: descending ? -1 : 1,
  }));
  const skip = countOf(query.offset, parameters) ?? 0;
  const most = Math.min(
    countOf(query.top, parameters) ?? Infinity,
    countOf(query.limit, parameters) ?? Infinity,
  );
  return {
    streams: !grouped && order.length === 0 && !query.distinct && skip === 0 && most === Infinity,
    countsAll: countsAll(query),
    run(rows, areItems) {
      let found: Iterable<Row> = filtered(expand(rows, areItems), keeps);
      if (order.length > 0) found = sorted([...found], order);
      let results: Iterable<Value> = group === null ? projected(found, project!) : group(found);
      if (query.distinct) results = distinct(results);
      return [...sliced(results, skip, most)];
    },
  };
}

function* filtered(rows: Iterable<Row>, keeps: (row: Row) => boolean): Generator<Row> {
  for (const row of rows) if (keeps(row)) yield row;
}

function* projected(rows: Iterable<Row>, project: Compiled): Generator<Value> {
  for (const row of rows) yield project(row);
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

function sorted(rows: Row[], order: { value: Compiled; sign: number }[]): Row[] {
  const keyed = rows.map((row) => ({ row, keys: order.map(({ value }) => value(row)) }));
  keyed.sort((a, b) => {
    for (let i = 0; i < order.length; i++) {
      const compared = compareValues(a.keys[i], b.keys[i]) * order[i]!.sign;
      if (compared !== 0) return compared;
    }
    return 0;
  });
  return keyed.map(({ row }) => row);
}

/** Binds aliases: the collection's item first, then one row per element for each join. */
function sources(
  from: From[],
  parameters: Parameters,
): (rows: Iterable<Row> | Iterable<JsonObject>, areItems: boolean) => Iterable<Row> {
  const [first, ...joins] = from;
  const paths = from.map(({ expression }) => expression && compile(expression, parameters));
  function* each(rows: Iterable<Row>, at: number): Generator<Row> {
    const source = from[at]!;
    for (const row of rows) {
      const value = paths[at]!(row);
      const bind = (bound: Value): Row => ({ ...row, [source.alias]: bound });
      if (source.iterates) {
        if (Array.isArray(value)) { for (const item of value) yield bind(item); }
      } else if (value !== undefined) yield bind(value);
    }
  }
  return (rows, areItems) => {
    if (first === undefined) return areItems ? [{}] : rows as Iterable<Row>;
    let bound: Iterable<Row>;
    if (areItems) {
      const items = rows as Iterable<JsonObject>;
      const root = rootAlias(first);
      bound = bindItems(items, root);
      if (first.expression !== null) bound = each(bound, 0);
    } else {bound = first.expression === null
        ? aliasOuter(rows as Iterable<Row>, first)
        : each(rows as Iterable<Row>, 0);}
    joins.forEach((_, i) => bound = each(bound, i + 1));
    return bound;
  };
}

function* bindItems(items: Iterable<JsonObject>, alias: string): Generator<Row> {
  for (const item of items) yield { [alias]: item };
}

/** In a subquery, `FROM c` names something of the outer query. */
function* aliasOuter(rows: Iterable<Row>, from: From): Generator<Row> {
  for (const row of rows) {
    if (!Object.hasOwn(row, from.alias)) {
      throw badRequest(`Identifier '${from.alias}' could not be resolved.`);
    }
    yield row;
  }
}

/** The name under which a first source with a path reaches the item. */
function rootAlias(from: From): string {
  let expression = from.expression;
  if (expression === null) return from.alias;
  while (expression.kind === "property") expression = expression.object;
  return expression.kind === "name" ? expression.name : from.alias;
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

function objectOf(items: { value: Compiled; alias: string }[], row: Row): JsonObject {
  const object: JsonObject = {};
  for (const { value, alias } of items) {
    const found = value(row);
    if (found !== undefined) object[alias] = found;
  }
  return object;
}

/** Groups rows by the GROUP BY expressions and answers with one value per group. */
function grouper(query: Query, parameters: Parameters): (rows: Iterable<Row>) => Value[] {
  const keys = query.groupBy.map((expression) => compile(expression, parameters));
  return (rows) => {
    const groups = new Map<string, Row[]>();
    if (keys.length === 0) groups.set("", []);
    for (const row of rows) {
      const key = keys.map((k) => canonical(k(row))).join("\u0000");
      const members = groups.get(key);
      if (members === undefined) groups.set(key, [row]);
      else members.push(row);
    }
    return [...groups.values()].map((members) => aggregated(query.projection, members, parameters));
  };
}

function aggregated(projection: Projection, members: Row[], parameters: Parameters): Value {
  const substitute = (expression: Expression): Compiled | undefined => {
    const reduce = expression.kind === "call" ? aggregateFunction(expression.name) : undefined;
    if (reduce === undefined) return undefined;
    const [argument] = (expression as { args: Expression[] }).args;
    if (argument === undefined) throw badRequest("An aggregate needs an argument.");
    const value = compile(argument, parameters);
    const result = reduce(members.map(value));
    return () => result;
  };
  const first = members[0] ?? {};
  if (projection.kind === "value") {
    return compile(projection.expression, parameters, substitute)(first);
  }
  const items = (projection as Extract<Projection, { kind: "list" }>).items;
  return objectOf(
    items.map(({ expression, alias }) => ({
      value: compile(expression, parameters, substitute),
      alias,
    })),
    first,
  );
}

function hasAggregate(projection: Projection): boolean {
  if (projection.kind === "all") return false;
  const expressions = projection.kind === "value"
    ? [projection.expression]
    : projection.items.map(({ expression }) => expression);
  return expressions.some(containsAggregate);
}

function containsAggregate(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(containsAggregate);
  if (!isObject(value)) return false;
  const node = value as unknown as Expression;
  if (node.kind === "exists" || node.kind === "arrayOf" || node.kind === "scalarOf") return false;
  if (node.kind === "call" && aggregateFunction(node.name) !== undefined) return true;
  return Object.values(node).some(containsAggregate);
}

function countsAll(query: Query): boolean {
  const { projection, from } = query;
  return projection.kind === "value" && projection.expression.kind === "call" &&
    projection.expression.name === "COUNT" && projection.expression.args[0]?.kind === "constant" &&
    projection.expression.args[0].value !== undefined && from.length === 1 &&
    from[0]!.expression === null && query.where === undefined && query.groupBy.length === 0 &&
    query.top === undefined && query.offset === undefined;
}

function countOf(expression: Expression | undefined, parameters: Parameters): number | undefined {
  if (expression === undefined) return undefined;
  const value = compile(expression, parameters)({});
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  throw badRequest("TOP, OFFSET and LIMIT need a whole number of 0 or more.");
}
