import { badRequest } from "../failure.ts";
import type { Json, JsonObject } from "../json.ts";
import { type Accumulator, isAggregate, startAggregate } from "./aggregates.ts";
import type { Expression, Query } from "./ast.ts";
import { compile, type Compiled, type Parameters, type Row } from "./compile.ts";
import { canonical, type Value } from "./values.ts";

/** Takes rows one by one and answers when all are in. */
export interface Collector {
  add(row: Row): void;
  finish(): Value[];
}

interface Group {
  first: Row;
  accumulators: Accumulator[];
}

/**
 * Makes the groups of a query with GROUP BY or aggregates ready: of each group only the aggregates
 * and one row are kept.
 *
 * @throws {CosmosFailure} 400 when the projection names what is neither grouped nor aggregated
 */
export function groupCollector(
  query: Query,
  parameters: Parameters,
): () => Collector {
  const keys = query.groupBy.map((expression) => compile(expression, parameters));
  const aggregates: { name: string; argument: Compiled }[] = [];
  const project = groupProjector(query, parameters, aggregates);
  const newGroup = (first: Row): Group => ({
    first,
    accumulators: aggregates.map(({ name }) => startAggregate(name)!),
  });
  return () => {
    const groups = new Map<string, Group>();
    if (keys.length === 0) groups.set("", newGroup({}));
    return {
      add(row) {
        const key = keys.map((k) => canonical(k(row))).join("\u0000");
        let group = groups.get(key);
        if (group === undefined) groups.set(key, group = newGroup(row));
        for (let i = 0; i < aggregates.length; i++) {
          group.accumulators[i]!.add(aggregates[i]!.argument(row));
        }
      },
      finish: () =>
        [...groups.values()].map(({ first, accumulators }) => {
          const row: Row = { ...first };
          accumulators.forEach((accumulator, i) => row[slot(i)] = accumulator.result());
          return project(row);
        }),
    };
  };
}

/** Name of an aggregate's result in its group's row: no alias can be the same. */
function slot(index: number): string {
  return `#${index}`;
}

function groupProjector(
  { projection, groupBy }: Query,
  parameters: Parameters,
  aggregates: { name: string; argument: Compiled }[],
): Compiled {
  if (projection.kind === "all") throw badRequest("'SELECT *' cannot be used with GROUP BY.");
  const grouped = new Set(groupBy.map((expression) => JSON.stringify(expression)));
  const substitute = (expression: Expression): Compiled | undefined => {
    if (grouped.has(JSON.stringify(expression))) return compile(expression, parameters);
    if (expression.kind === "name") {
      throw badRequest(
        `Property reference '${expression.name}' is invalid in the select list because it is not ` +
          "contained in either an aggregate function or the GROUP BY clause.",
      );
    }
    if (expression.kind !== "call" || !isAggregate(expression.name)) return undefined;
    const [argument] = expression.args;
    if (argument === undefined || expression.args.length !== 1) {
      throw badRequest(`The ${expression.name} function requires 1 argument(s).`);
    }
    const name = slot(aggregates.length);
    aggregates.push({ name: expression.name, argument: compile(argument, parameters) });
    return (row) => row[name];
  };
  if (projection.kind === "value") return compile(projection.expression, parameters, substitute);
  const items = projection.items.map(({ expression, alias }) => ({
    value: compile(expression, parameters, substitute),
    alias,
  }));
  return (row) => objectOf(items, row);
}

/** An object of the entries that are defined. */
export function objectOf(items: { value: Compiled; alias: string }[], row: Row): JsonObject {
  const entries: [string, Json][] = [];
  for (const { value, alias } of items) {
    const found = value(row);
    if (found !== undefined) entries.push([alias, found]);
  }
  return Object.fromEntries(entries);
}
