import { badRequest } from "../failure.ts";
import type { JsonObject } from "../json.ts";
import type { From } from "./ast.ts";
import { compile, type Parameters, type Row } from "./compile.ts";
import type { Value } from "./values.ts";

/** Binds a query's aliases: one row per item and per element of each join. */
export interface Sources {
  /** Rows of an item of the collection. */
  ofItem(item: JsonObject): Iterable<Row>;
  /** Rows of a subquery, for an outer row. */
  ofRow(outer: Row): Iterable<Row>;
}

/** Makes the FROM clause ready. */
export function bindSources(from: From[], parameters: Parameters): Sources {
  const [first, ...joins] = from;
  const paths = from.map(({ expression }) => expression && compile(expression, parameters));
  if (first === undefined) return { ofItem: () => [{}], ofRow: (outer) => [outer] };
  function* each(rows: Iterable<Row>, at: number): Generator<Row> {
    const { alias, iterates } = from[at]!;
    for (const row of rows) {
      const value = paths[at]!(row);
      const bind = (bound: Value): Row => ({ ...row, [alias]: bound });
      if (!iterates) {
        if (value !== undefined) yield bind(value);
      } else if (Array.isArray(value)) { for (const item of value) yield bind(item); }
    }
  }
  const joined = (start: Iterable<Row>) =>
    joins.reduce((rows, _, i) => each(rows, i + 1), first.expression ? each(start, 0) : start);
  const root = rootAlias(first);
  return {
    ofItem: (item) => joined([{ [root]: item }]),
    ofRow: (outer) => {
      if (first.expression === null && !Object.hasOwn(outer, first.alias)) {
        throw unresolved(first.alias);
      }
      return joined([outer]);
    },
  };
}

/** The name under which a first source reaches the item. */
export function rootAlias(from: From): string {
  let expression = from.expression;
  while (expression?.kind === "property") expression = expression.object;
  return expression?.kind === "name" ? expression.name : from.alias;
}

/** 400: a name that stands for nothing. */
export function unresolved(name: string): Error {
  return badRequest(`Identifier '${name}' could not be resolved.`);
}
