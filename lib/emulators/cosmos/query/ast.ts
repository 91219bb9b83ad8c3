import type { Json } from "../json.ts";

/** An expression. A value that is not there is `undefined`, as in the service. */
export type Expression =
  | { kind: "constant"; value: Json | undefined }
  | { kind: "parameter"; name: string }
  | { kind: "name"; name: string }
  | { kind: "property"; object: Expression; key: Expression }
  | { kind: "unary"; operator: "-" | "+" | "~" | "NOT"; operand: Expression }
  | { kind: "binary"; operator: string; left: Expression; right: Expression }
  | { kind: "conditional"; test: Expression; then: Expression; otherwise: Expression }
  | { kind: "in"; operand: Expression; list: Expression[] }
  | { kind: "between"; operand: Expression; low: Expression; high: Expression }
  | { kind: "like"; operand: Expression; pattern: Expression; escape: string | undefined }
  | { kind: "call"; name: string; args: Expression[] }
  | { kind: "array"; items: Expression[] }
  | { kind: "object"; entries: [string, Expression][] }
  | { kind: "exists" | "arrayOf" | "scalarOf"; query: Query };

/** One entry of a SELECT list. */
export interface Selected {
  expression: Expression;
  alias: string;
}

/** What a query answers with. */
export type Projection =
  | { kind: "all" }
  | { kind: "value"; expression: Expression }
  | { kind: "list"; items: Selected[] };

/** `FROM expression AS alias`, or `alias IN expression`, which runs over an array. */
export interface From {
  alias: string;
  /** The collection itself when null. */
  expression: Expression | null;
  iterates: boolean;
}

/** A query, parsed. */
export interface Query {
  distinct: boolean;
  top: Expression | undefined;
  projection: Projection;
  /** The first source, then the joins; empty without FROM. */
  from: From[];
  where: Expression | undefined;
  groupBy: Expression[];
  orderBy: { expression: Expression; descending: boolean }[];
  offset: Expression | undefined;
  limit: Expression | undefined;
}
