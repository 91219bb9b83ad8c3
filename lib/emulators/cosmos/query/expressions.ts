import type { Expression, Query } from "./ast.ts";
import type { Cursor } from "./cursor.ts";

type ReadQuery = (cursor: Cursor) => Query;

/** Binary operators by precedence, weakest first; AND's and NOT's places are between. */
const LEVELS: string[][] = [
  ["??"],
  ["OR"],
  ["AND"],
  ["NOT"],
  ["=", "!=", "<>", "<", ">", "<=", ">="],
  ["|"],
  ["^"],
  ["&"],
  ["<<", ">>", ">>>"],
  ["+", "-", "||"],
  ["*", "/", "%"],
];

/**
 * Parses an expression.
 *
 * @param readQuery parses a subquery
 * @throws {CosmosFailure} 400
 */
export function parseExpression(cursor: Cursor, readQuery: ReadQuery): Expression {
  return cursor.nested(() => readConditional(cursor, readQuery));
}

function readConditional(cursor: Cursor, readQuery: ReadQuery): Expression {
  const test = readLevel(cursor, readQuery, 0);
  if (!cursor.takeSymbol("?")) return test;
  const then = parseExpression(cursor, readQuery);
  cursor.expectSymbol(":");
  return { kind: "conditional", test, then, otherwise: parseExpression(cursor, readQuery) };
}

function readLevel(cursor: Cursor, readQuery: ReadQuery, level: number): Expression {
  const operators = LEVELS[level];
  if (operators === undefined) return readUnary(cursor, readQuery);
  if (operators[0] === "NOT") return readNot(cursor, readQuery, level);
  const isComparison = operators[0] === "=";
  let left = readLevel(cursor, readQuery, level + 1);
  for (;;) {
    const operator = takeOperator(cursor, operators);
    if (operator !== undefined) {
      const right = readLevel(cursor, readQuery, level + 1);
      left = { kind: "binary", operator, left, right };
    } else if (isComparison && isMembership(cursor)) {
      left = readMembership(cursor, readQuery, left, level);
    } else return left;
  }
}

function readNot(cursor: Cursor, readQuery: ReadQuery, level: number): Expression {
  if (!cursor.takeWord("NOT")) return readLevel(cursor, readQuery, level + 1);
  const operand = cursor.nested(() => readNot(cursor, readQuery, level));
  return { kind: "unary", operator: "NOT", operand };
}

function takeOperator(cursor: Cursor, operators: string[]): string | undefined {
  return operators.find((operator) =>
    /^[A-Z]/.test(operator) ? cursor.takeWord(operator) : cursor.takeSymbol(operator)
  );
}

function isMembership(cursor: Cursor): boolean {
  const ahead = cursor.isWord("NOT") ? 1 : 0;
  return ["IN", "BETWEEN", "LIKE"].some((word) => cursor.isWordAhead(word, ahead));
}

function readMembership(
  cursor: Cursor,
  readQuery: ReadQuery,
  operand: Expression,
  level: number,
): Expression {
  const negated = cursor.takeWord("NOT");
  const found = readPositive(cursor, readQuery, operand, level);
  return negated ? { kind: "unary", operator: "NOT", operand: found } : found;
}

function readPositive(
  cursor: Cursor,
  readQuery: ReadQuery,
  operand: Expression,
  level: number,
): Expression {
  if (cursor.takeWord("IN")) {
    cursor.expectSymbol("(");
    return { kind: "in", operand, list: readList(cursor, readQuery, ")") };
  }
  if (cursor.takeWord("BETWEEN")) {
    const low = readLevel(cursor, readQuery, level + 1);
    cursor.expectWord("AND");
    return { kind: "between", operand, low, high: readLevel(cursor, readQuery, level + 1) };
  }
  cursor.expectWord("LIKE");
  const pattern = readLevel(cursor, readQuery, level + 1);
  let escape: string | undefined;
  if (cursor.takeWord("ESCAPE")) {
    const token = cursor.next();
    if (token.kind !== "string" || token.text.length !== 1) throw cursor.error(token);
    escape = token.text;
  }
  return { kind: "like", operand, pattern, escape };
}

function readList(cursor: Cursor, readQuery: ReadQuery, close: string): Expression[] {
  const items: Expression[] = [];
  if (cursor.takeSymbol(close)) return items;
  do items.push(parseExpression(cursor, readQuery)); while (cursor.takeSymbol(","));
  cursor.expectSymbol(close);
  return items;
}

function readUnary(cursor: Cursor, readQuery: ReadQuery): Expression {
  for (const operator of ["-", "+", "~"] as const) {
    if (cursor.takeSymbol(operator)) {
      const operand = cursor.nested(() => readUnary(cursor, readQuery));
      return { kind: "unary", operator, operand };
    }
  }
  return readSuffixes(cursor, readQuery, readPrimary(cursor, readQuery));
}

function readSuffixes(cursor: Cursor, readQuery: ReadQuery, start: Expression): Expression {
  let object = start;
  for (;;) {
    if (cursor.takeSymbol(".")) {
      object = property(object, { kind: "constant", value: cursor.expectName() });
    } else if (cursor.takeSymbol("[")) {
      object = property(object, parseExpression(cursor, readQuery));
      cursor.expectSymbol("]");
    } else return object;
  }
}

function property(object: Expression, key: Expression): Expression {
  return { kind: "property", object, key };
}

const WORDS: Record<string, null | boolean | undefined> = {
  TRUE: true,
  FALSE: false,
  NULL: null,
  UNDEFINED: undefined,
};

function readPrimary(cursor: Cursor, readQuery: ReadQuery): Expression {
  const token = cursor.next();
  switch (token.kind) {
    case "number":
      return { kind: "constant", value: Number(token.text) };
    case "string":
      return { kind: "constant", value: token.text };
    case "parameter":
      return { kind: "parameter", name: token.text };
    case "name":
      return readNamed(cursor, readQuery, token.text);
    case "symbol":
      if (token.text === "[") {
        return { kind: "array", items: readList(cursor, readQuery, "]") };
      }
      if (token.text === "{") return readObject(cursor, readQuery);
      if (token.text === "(") return readParenthesis(cursor, readQuery);
  }
  throw cursor.error(token);
}

function readNamed(cursor: Cursor, readQuery: ReadQuery, name: string): Expression {
  const word = name.toUpperCase();
  if (Object.hasOwn(WORDS, word)) return { kind: "constant", value: WORDS[word] };
  if ((word === "EXISTS" || word === "ARRAY") && cursor.takeSymbol("(")) {
    const query = readQuery(cursor);
    cursor.expectSymbol(")");
    return { kind: word === "EXISTS" ? "exists" : "arrayOf", query };
  }
  if (!cursor.takeSymbol("(")) return { kind: "name", name };
  return { kind: "call", name: word, args: readList(cursor, readQuery, ")") };
}

function readParenthesis(cursor: Cursor, readQuery: ReadQuery): Expression {
  if (cursor.isWord("SELECT")) {
    const query = readQuery(cursor);
    cursor.expectSymbol(")");
    return { kind: "scalarOf", query };
  }
  const inner = parseExpression(cursor, readQuery);
  cursor.expectSymbol(")");
  return inner;
}

function readObject(cursor: Cursor, readQuery: ReadQuery): Expression {
  const entries: [string, Expression][] = [];
  if (cursor.takeSymbol("}")) return { kind: "object", entries };
  do {
    const token = cursor.next();
    if (token.kind !== "string" && token.kind !== "name") throw cursor.error(token);
    cursor.expectSymbol(":");
    entries.push([token.text, parseExpression(cursor, readQuery)]);
  } while (cursor.takeSymbol(","));
  cursor.expectSymbol("}");
  return { kind: "object", entries };
}
