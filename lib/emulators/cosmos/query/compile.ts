import { badRequest } from "../failure.ts";
import { isObject, type Json, type JsonObject } from "../json.ts";
import type { Expression } from "./ast.ts";
import { scalarFunction } from "./functions.ts";
import { type LikePattern, matchesLike, parseLike } from "./like.ts";
import { runSubquery } from "./subquery.ts";
import { canonical, compareValues, equalValues, rankOf, type Value } from "./values.ts";

/** Aliases and what they stand for in one row. */
export interface Row {
  [alias: string]: Value;
}

/** An expression, ready to be asked for each row. */
export type Compiled = (row: Row) => Value;

/** Values of a query's parameters, by name with `@`. */
export type Parameters = ReadonlyMap<string, Json>;

/** Replaces aggregates (and group keys) by what was computed for the group. */
export type Substitute = (expression: Expression) => Compiled | undefined;

/**
 * Makes an expression ready.
 *
 * @throws {CosmosFailure} 400 for an unknown function or parameter
 */
export function compile(
  expression: Expression,
  parameters: Parameters,
  substitute: Substitute = () => undefined,
): Compiled {
  const replaced = substitute(expression);
  if (replaced !== undefined) return replaced;
  const inner = (e: Expression) => compile(e, parameters, substitute);
  switch (expression.kind) {
    case "constant": {
      const { value } = expression;
      return () => value;
    }
    case "parameter": {
      if (!parameters.has(expression.name)) {
        throw badRequest(`The parameter ${expression.name} is not given.`);
      }
      const value = parameters.get(expression.name)!;
      return () => value;
    }
    case "name":
      return compileName(expression.name);
    case "property":
      return compileProperty(inner(expression.object), inner(expression.key));
    case "unary":
      return compileUnary(expression.operator, inner(expression.operand));
    case "binary":
      return compileBinary(expression.operator, inner(expression.left), inner(expression.right));
    case "conditional": {
      const [test, then, otherwise] = [expression.test, expression.then, expression.otherwise].map(
        inner,
      );
      return (row) => test!(row) === true ? then!(row) : otherwise!(row);
    }
    default:
      return compileCompound(expression, inner, parameters);
  }
}

function compileCompound(
  expression: Expression,
  inner: (e: Expression) => Compiled,
  parameters: Parameters,
): Compiled {
  switch (expression.kind) {
    case "in":
      return compileIn(expression, inner);
    case "between": {
      const atLeast = compileBinary(">=", inner(expression.operand), inner(expression.low));
      const atMost = compileBinary("<=", inner(expression.operand), inner(expression.high));
      return compileBinary("AND", atLeast, atMost);
    }
    case "like":
      return compileLike(inner(expression.operand), inner(expression.pattern), expression.escape);
    case "call": {
      const call = scalarFunction(expression.name);
      const args = expression.args.map(inner);
      return (row) => call(...args.map((arg) => arg(row)));
    }
    case "array": {
      const items = expression.items.map(inner);
      return (row) => items.map((item) => item(row)).filter((item) => item !== undefined) as Json[];
    }
    case "object":
      return compileObject(expression.entries.map(([name, value]) => [name, inner(value)]));
    case "exists": {
      const rows = runSubquery(expression.query, parameters);
      return (row) => rows(row).length > 0;
    }
    case "arrayOf":
      return runSubquery(expression.query, parameters);
    case "scalarOf": {
      const rows = runSubquery(expression.query, parameters);
      return (row) => rows(row)[0];
    }
  }
  throw badRequest("The expression is not supported.");
}

function compileName(name: string): Compiled {
  return (row) => {
    if (Object.hasOwn(row, name)) return row[name];
    throw badRequest(`Identifier '${name}' could not be resolved.`);
  };
}

function compileObject(entries: [string, Compiled][]): Compiled {
  return (row) => {
    const found = entries.map(([name, value]) => [name, value(row)] as const);
    return Object.fromEntries(found.filter(([, value]) => value !== undefined)) as JsonObject;
  };
}

/** A list of constants is looked up in a set, however long it is. */
function compileIn(
  { operand, list }: Extract<Expression, { kind: "in" }>,
  inner: (e: Expression) => Compiled,
): Compiled {
  const value = inner(operand);
  const items = list.map(inner);
  if (list.every(({ kind }) => kind === "constant" || kind === "parameter")) {
    const wanted = new Set(items.map((item) => canonical(item({}))));
    wanted.delete(canonical(undefined));
    return (row) => {
      const found = value(row);
      return found === undefined ? undefined : wanted.has(canonical(found));
    };
  }
  return (row) => {
    const found = value(row);
    if (found === undefined) return undefined;
    return items.some((item) => equalValues(found, item(row)));
  };
}

function compileProperty(object: Compiled, key: Compiled): Compiled {
  return (row) => {
    const from = object(row);
    const name = key(row);
    if (Array.isArray(from)) return typeof name === "number" ? from[name] : undefined;
    if (!isObject(from) || typeof name !== "string") return undefined;
    return Object.hasOwn(from, name) ? from[name] : undefined;
  };
}

function compileUnary(operator: string, operand: Compiled): Compiled {
  if (operator === "NOT") {
    return (row) => {
      const value = operand(row);
      return typeof value === "boolean" ? !value : undefined;
    };
  }
  return (row) => {
    const value = operand(row);
    if (typeof value !== "number") return undefined;
    return operator === "-" ? -value : operator === "~" ? ~value : value;
  };
}

function compileBinary(operator: string, left: Compiled, right: Compiled): Compiled {
  switch (operator) {
    case "AND":
      return (row) => and(left(row), () => right(row));
    case "OR":
      return (row) => or(left(row), () => right(row));
    case "??":
      return (row) => {
        const value = left(row);
        return value === undefined ? right(row) : value;
      };
    case "=":
      return (row) => whenDefined(left(row), right(row), equalValues);
    case "!=":
    case "<>":
      return (row) => whenDefined(left(row), right(row), (a, b) => !equalValues(a, b));
    case "||":
      return (row) => {
        const [a, b] = [left(row), right(row)];
        return typeof a === "string" && typeof b === "string" ? a + b : undefined;
      };
  }
  const ordering = ORDERINGS[operator];
  if (ordering !== undefined) {
    return (row) => {
      const [a, b] = [left(row), right(row)];
      if (a === undefined || b === undefined || rankOf(a) !== rankOf(b)) return undefined;
      return rankOf(a) > 4 ? undefined : ordering(compareValues(a, b));
    };
  }
  const arithmetic = ARITHMETIC[operator]!;
  return (row) => {
    const [a, b] = [left(row), right(row)];
    if (typeof a !== "number" || typeof b !== "number") return undefined;
    const result = arithmetic(a, b);
    return Number.isFinite(result) ? result : undefined;
  };
}

function whenDefined(a: Value, b: Value, test: (a: Value, b: Value) => boolean): Value {
  return a === undefined || b === undefined ? undefined : test(a, b);
}

function and(a: Value, b: () => Value): Value {
  if (a === false) return false;
  const other = b();
  if (other === false) return false;
  return a === true && other === true ? true : undefined;
}

function or(a: Value, b: () => Value): Value {
  if (a === true) return true;
  const other = b();
  if (other === true) return true;
  return a === false && other === false ? false : undefined;
}

const ORDERINGS: Record<string, (order: number) => boolean> = {
  "<": (order) => order < 0,
  ">": (order) => order > 0,
  "<=": (order) => order <= 0,
  ">=": (order) => order >= 0,
};

const ARITHMETIC: Record<string, (a: number, b: number) => number> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b,
  "&": (a, b) => a & b,
  "|": (a, b) => a | b,
  "^": (a, b) => a ^ b,
  "<<": (a, b) => a << b,
  ">>": (a, b) => a >> b,
  ">>>": (a, b) => a >>> b,
};

function compileLike(operand: Compiled, pattern: Compiled, escape: string | undefined): Compiled {
  const made = new Map<string, LikePattern>();
  return (row) => {
    const [text, like] = [operand(row), pattern(row)];
    if (typeof text !== "string" || typeof like !== "string") return undefined;
    let known = made.get(like);
    if (known === undefined) made.set(like, known = parseLike(like, escape));
    return matchesLike(text, known);
  };
}
