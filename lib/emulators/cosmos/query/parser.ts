import type { Expression, From, Projection, Query, Selected } from "./ast.ts";
import { parseExpression } from "./expressions.ts";
import { Cursor } from "./cursor.ts";

/**
 * Parses a query.
 *
 * @throws {CosmosFailure} 400 naming the place where the text is not understood
 */
export function parseQuery(text: string): Query {
  const cursor = new Cursor(text);
  const query = readQuery(cursor);
  cursor.expectEnd();
  return query;
}

/** Parses `FROM c WHERE …` (or only the condition), as patch conditions are written. */
export function parseCondition(text: string): { alias: string; where: Expression } {
  const cursor = new Cursor(text);
  let alias = "c";
  if (cursor.takeWord("FROM")) {
    alias = cursor.expectName();
    if (cursor.takeWord("AS")) alias = cursor.expectName();
    else if (!cursor.isWord("WHERE")) alias = cursor.expectName();
    cursor.expectWord("WHERE");
  }
  const where = parseExpression(cursor, readQuery);
  cursor.expectEnd();
  return { alias, where };
}

function readQuery(cursor: Cursor): Query {
  cursor.expectWord("SELECT");
  const distinct = cursor.takeWord("DISTINCT");
  const top = cursor.takeWord("TOP") ? readNumber(cursor) : undefined;
  const projection = readProjection(cursor);
  const from = cursor.takeWord("FROM") ? readFrom(cursor) : [];
  const where = cursor.takeWord("WHERE") ? parseExpression(cursor, readQuery) : undefined;
  const groupBy = cursor.takeWord("GROUP") ? readGroupBy(cursor) : [];
  const orderBy = cursor.takeWord("ORDER") ? readOrderBy(cursor) : [];
  let offset: Expression | undefined;
  let limit: Expression | undefined;
  if (cursor.takeWord("OFFSET")) {
    offset = readNumber(cursor);
    cursor.expectWord("LIMIT");
    limit = readNumber(cursor);
  }
  return { distinct, top, projection, from, where, groupBy, orderBy, offset, limit };
}

function readNumber(cursor: Cursor): Expression {
  const token = cursor.next();
  if (token.kind === "number") return { kind: "constant", value: Number(token.text) };
  if (token.kind === "parameter") return { kind: "parameter", name: token.text };
  throw cursor.error(token);
}

function readProjection(cursor: Cursor): Projection {
  if (cursor.takeSymbol("*")) return { kind: "all" };
  if (cursor.takeWord("VALUE")) {
    return { kind: "value", expression: parseExpression(cursor, readQuery) };
  }
  const items: Selected[] = [];
  let unnamed = 0;
  do {
    const expression = parseExpression(cursor, readQuery);
    const named = cursor.takeWord("AS") || cursor.isAlias();
    const alias = named ? cursor.expectName() : impliedAlias(expression) ?? `$${++unnamed}`;
    items.push({ expression, alias });
  } while (cursor.takeSymbol(","));
  return { kind: "list", items };
}

function impliedAlias(expression: Expression): string | undefined {
  if (expression.kind === "name") return expression.name;
  if (expression.kind !== "property" || expression.key.kind !== "constant") return undefined;
  const { value } = expression.key;
  return typeof value === "string" ? value : undefined;
}

function readFrom(cursor: Cursor): From[] {
  const sources = [readSource(cursor, true)];
  while (cursor.takeWord("JOIN")) sources.push(readSource(cursor, false));
  return sources;
}

function readSource(cursor: Cursor, first: boolean): From {
  if (cursor.isName() && cursor.isWordAhead("IN", 1)) {
    const alias = cursor.expectName();
    cursor.expectWord("IN");
    return { alias, expression: readPath(cursor), iterates: true };
  }
  const path = readPath(cursor);
  // A subquery's results are run over, with or without IN.
  const iterates = path.kind === "arrayOf";
  const named = cursor.takeWord("AS") || cursor.isAlias();
  const alias = named ? cursor.expectName() : impliedAlias(path);
  if (alias === undefined) throw cursor.error(cursor.peek());
  // The first name stands for the collection, whatever it is called.
  if (first && path.kind === "name") return { alias, expression: null, iterates: false };
  return { alias, expression: path, iterates };
}

function readPath(cursor: Cursor): Expression {
  if (cursor.takeSymbol("(")) {
    const query = readQuery(cursor);
    cursor.expectSymbol(")");
    return { kind: "arrayOf", query };
  }
  return parseExpression(cursor, readQuery);
}

function readGroupBy(cursor: Cursor): Expression[] {
  cursor.expectWord("BY");
  const expressions: Expression[] = [];
  do expressions.push(parseExpression(cursor, readQuery)); while (cursor.takeSymbol(","));
  return expressions;
}

function readOrderBy(cursor: Cursor): Query["orderBy"] {
  cursor.expectWord("BY");
  const orders: Query["orderBy"] = [];
  do {
    const expression = parseExpression(cursor, readQuery);
    const descending = cursor.takeWord("DESC");
    if (!descending) cursor.takeWord("ASC");
    orders.push({ expression, descending });
  } while (cursor.takeSymbol(","));
  return orders;
}
