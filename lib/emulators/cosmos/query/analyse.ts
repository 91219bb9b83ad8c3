import { badRequest } from "../failure.ts";
import { isObject, type Json } from "../json.ts";
import { isAggregate } from "./aggregates.ts";
import type { Expression, Query } from "./ast.ts";
import type { Parameters } from "./compile.ts";
import { rootAlias, unresolved } from "./sources.ts";

/** What a query reads of an item. */
export interface Uses {
  /** The item as a whole. */
  whole: boolean;
  /** Otherwise: names of its properties. */
  names: ReadonlySet<string>;
}

/**
 * Checks what the grammar alone does not: that every name stands for something, and the service's
 * own rules on ORDER BY and GROUP BY.
 *
 * @param outer names that an outer query binds; undefined for the query itself
 * @throws {CosmosFailure} 400
 */
export function checkQuery(query: Query, outer?: ReadonlySet<string>): void {
  const [first] = query.from;
  const scope = new Set(outer);
  if (first !== undefined && outer === undefined) scope.add(rootAlias(first));
  for (const { expression, alias } of query.from) {
    if (expression !== null) checkNames(expression, scope);
    else if (outer !== undefined && !outer.has(alias)) throw unresolved(alias);
    scope.add(alias);
  }
  checkNames([query.projection, query.where, query.groupBy, query.orderBy], scope);
  if (query.orderBy.length > 0) checkOrder(query, outer !== undefined);
}

function checkNames(node: unknown, scope: ReadonlySet<string>): void {
  if (Array.isArray(node)) return node.forEach((one) => checkNames(one, scope));
  if (!isObject(node)) return;
  const expression = node as unknown as Expression;
  if (expression.kind === "name" && !scope.has(expression.name)) throw unresolved(expression.name);
  if ("query" in expression) return checkQuery(expression.query, scope);
  for (const value of Object.values(node)) if (typeof value === "object") checkNames(value, scope);
}

function checkOrder(query: Query, inside: boolean): void {
  if (inside) throw badRequest("'ORDER BY' is not supported in subqueries.");
  if (query.groupBy.length > 0) {
    throw badRequest("'ORDER BY' is not supported in presence of 'GROUP BY'.");
  }
  if (query.from.length !== 1 || query.from[0]!.iterates) {
    throw badRequest("Order-by over correlated collections is not supported.");
  }
  for (const { expression } of query.orderBy) {
    if (expression.kind !== "property" || pathOf(expression) === undefined) {
      throw badRequest(
        "Unsupported ORDER BY clause. ORDER BY item expression could not be mapped to a document path.",
      );
    }
  }
}

/** `c.a["b"].c` as its alias and property names; undefined for any other expression. */
export function pathOf(expression: Expression): string[] | undefined {
  if (expression.kind === "name") return [expression.name];
  if (expression.kind !== "property" || expression.key.kind !== "constant") return undefined;
  const object = pathOf(expression.object);
  const { value } = expression.key;
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  return object && [...object, String(value)];
}

/** Finds what a query reads of the item that its root alias stands for. */
export function usesOf(query: Query): Uses {
  const [first] = query.from;
  const names = new Set<string>();
  if (first === undefined) return { whole: false, names };
  const root = rootAlias(first);
  let whole = false;
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (!isObject(node)) return;
    const one = node as unknown as Expression | { kind: "all" };
    if (one.kind === "all" || (one.kind === "name" && one.name === root)) whole = true;
    else if (one.kind === "property" && one.object.kind === "name" && one.object.name === root) {
      if (one.key.kind === "constant" && typeof one.key.value === "string") {
        names.add(one.key.value);
      } else whole = true;
      visit(one.key);
    } else Object.values(node).forEach(visit);
  };
  visit(query);
  return { whole, names };
}

/** Whether an expression holds an aggregate of its own query. */
export function containsAggregate(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(containsAggregate);
  if (!isObject(node)) return false;
  const expression = node as unknown as Expression;
  if ("query" in expression) return false;
  if (expression.kind === "call" && isAggregate(expression.name)) return true;
  return Object.values(node).some(containsAggregate);
}

/**
 * The values that a condition allows for a path of the item, when it names them all.
 *
 * @param path alias and property names
 * @returns undefined when the condition leaves other values possible
 */
export function allowedValues(
  where: Expression | undefined,
  path: string[],
  parameters: Parameters,
): Json[] | undefined {
  if (where === undefined) return undefined;
  const inner = (e: Expression) => allowedValues(e, path, parameters);
  const isPath = (e: Expression) => pathOf(e)?.join("\u0000") === path.join("\u0000");
  if (where.kind === "in" && isPath(where.operand)) return constants(where.list, parameters);
  if (where.kind !== "binary") return undefined;
  const { operator, left, right } = where;
  if (operator === "AND") return inner(left) ?? inner(right);
  if (operator === "OR") {
    const [a, b] = [inner(left), inner(right)];
    return a && b && [...a, ...b];
  }
  if (operator !== "=") return undefined;
  if (isPath(left)) return constants([right], parameters);
  return isPath(right) ? constants([left], parameters) : undefined;
}

function constants(list: Expression[], parameters: Parameters): Json[] | undefined {
  const values: Json[] = [];
  for (const one of list) {
    if (one.kind === "constant") {
      if (one.value !== undefined) values.push(one.value);
    } else if (one.kind === "parameter") values.push(parameters.get(one.name)!);
    else return undefined;
  }
  return values;
}
