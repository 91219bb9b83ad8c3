import type { AddFile } from "./actions.ts";
import { SchemaError } from "./errors.ts";
import { parseExact } from "./exactJson.ts";
import type { Session } from "./lake.ts";
import { type Field, quoteText } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";
import { isLess, statsOf, type StatValue } from "./stats.ts";

/** A node of a parsed condition, as the engine's parser writes it. */
export interface Condition {
  type?: string;
  column_names?: string[];
  children?: Condition[];
  left?: Condition;
  right?: Condition;
  input?: Condition;
  lower?: Condition;
  upper?: Condition;
  child?: Condition;
  cast_type?: { id: string };
  value?: { type: { id: string; type_info: { scale?: number } | null }; value: unknown };
}

/** The parts of a snapshot that say what a file's statistics mean. */
export type Skippable = Pick<Snapshot, "fields" | "partitionColumns">;

/** Conditions parsed lately, by their text: the same one is often read by, replaced by and checked. */
const parsed = new Map<string, Condition>();
const MOST_PARSED = 200;

/**
 * Parses an SQL condition.
 *
 * @throws {SchemaError} when it is not one
 */
export async function parseCondition(session: Session, sql: string): Promise<Condition> {
  const known = parsed.get(sql);
  if (known !== undefined) return known;
  const condition = await parseAnew(session, sql);
  parsed.set(sql, condition);
  if (parsed.size > MOST_PARSED) parsed.delete(parsed.keys().next().value!);
  return condition;
}

async function parseAnew(session: Session, sql: string): Promise<Condition> {
  const tree = await parseQuery(session, `SELECT 1 FROM t WHERE (${sql}\n)`);
  const found = (tree as { node?: { where_clause?: Condition } } | null)?.node?.where_clause;
  if (found) return found;
  throw new SchemaError(`«${sql}» is not a condition: write what stands after WHERE in SQL.`);
}

/** The parsed statement, or null when the engine cannot parse the text as one query. */
export async function parseQuery(session: Session, sql: string): Promise<unknown> {
  const result = await session.connection.runAndReadAll(
    `SELECT json_serialize_sql(${quoteText(sql)}, skip_null := true, skip_empty := true)`,
  );
  const parsed = parseExact(String(result.getRows()[0]![0])) as { statements?: unknown[] };
  return parsed.statements?.length === 1 ? parsed.statements[0] : null;
}

/** Whether a file can hold a row for which the condition is true, as far as the log tells. */
export function mayMatch(table: Skippable, file: AddFile, condition: Condition): boolean {
  const { type, children = [] } = condition;
  switch (type) {
    case "CONJUNCTION_AND":
      return children.every((child) => mayMatch(table, file, child));
    case "CONJUNCTION_OR":
      return children.some((child) => mayMatch(table, file, child));
    case "COMPARE_BETWEEN":
      return mayCompare(table, file, "COMPARE_GREATERTHANOREQUALTO", [
        condition.input,
        condition.lower,
      ]) && mayCompare(table, file, "COMPARE_LESSTHANOREQUALTO", [
        condition.input,
        condition.upper,
      ]);
    case "COMPARE_IN":
      return children.slice(1).some((child) =>
        mayCompare(table, file, "COMPARE_EQUAL", [children[0], child])
      );
    case "OPERATOR_IS_NULL":
    case "OPERATOR_IS_NOT_NULL": {
      const range = rangeOf(table, file, children[0]);
      if (range === null) return true;
      return type === "OPERATOR_IS_NULL" ? range.nulls !== "none" : range.nulls !== "all";
    }
    default:
      return mayCompare(table, file, type ?? "", [condition.left, condition.right]);
  }
}

/** Whether the log tells that the condition is true for every row of a file. */
export function mustMatch(table: Skippable, file: AddFile, condition: Condition): boolean {
  const { type, children = [] } = condition;
  if (type === "CONJUNCTION_AND") return children.every((child) => mustMatch(table, file, child));
  if (type === "CONJUNCTION_OR") return children.some((child) => mustMatch(table, file, child));
  if (type !== "COMPARE_EQUAL" && type !== "COMPARE_IN") return false;
  const [column, ...values] = type === "COMPARE_IN" ? children : [condition.left, condition.right];
  const range = rangeOf(table, file, column);
  if (range === null || range.nulls !== "none" || range.min === undefined) return false;
  // Long texts are cut in statistics: these are no values.
  if (range.min !== range.max || String(range.min).length >= 32) return false;
  return values.some((value) => literalOf(range.field, value) === range.min);
}

const MIRRORED: Record<string, string> = {
  COMPARE_EQUAL: "COMPARE_EQUAL",
  COMPARE_LESSTHAN: "COMPARE_GREATERTHAN",
  COMPARE_GREATERTHAN: "COMPARE_LESSTHAN",
  COMPARE_LESSTHANOREQUALTO: "COMPARE_GREATERTHANOREQUALTO",
  COMPARE_GREATERTHANOREQUALTO: "COMPARE_LESSTHANOREQUALTO",
};

function mayCompare(
  table: Skippable,
  file: AddFile,
  operator: string,
  [left, right]: (Condition | undefined)[],
): boolean {
  if (MIRRORED[operator] === undefined) return true;
  if (left?.type !== "COLUMN_REF" && right?.type === "COLUMN_REF") {
    return mayCompare(table, file, MIRRORED[operator], [right, left]);
  }
  const range = rangeOf(table, file, left);
  if (range === null) return true;
  if (range.nulls === "all") return false;
  const value = literalOf(range.field, right);
  if (value === undefined) return true;
  const { min, max } = range;
  const aboveMin = min === undefined || !isLess(value, min);
  const belowMax = max === undefined || !isLess(max, value);
  switch (operator) {
    case "COMPARE_EQUAL":
      return aboveMin && belowMax;
    case "COMPARE_LESSTHAN":
      return min === undefined || isLess(min, value);
    case "COMPARE_LESSTHANOREQUALTO":
      return aboveMin;
    case "COMPARE_GREATERTHAN":
      return max === undefined || isLess(value, max);
    default:
      return belowMax;
  }
}

interface Range {
  field: Field;
  min: StatValue | undefined;
  max: StatValue | undefined;
  nulls: "none" | "some" | "all" | "unknown";
}

/** What a file's statistics, or its partition, say of a column; null when the node is no column. */
function rangeOf(table: Skippable, file: AddFile, node: Condition | undefined): Range | null {
  const field = fieldOf(table, node);
  if (field === null) return null;
  if (table.partitionColumns.includes(field.name)) {
    const text = file.partitionValues[field.name] ?? "";
    const value = text === "" ? undefined : comparable(field, text);
    return { field, min: value, max: value, nulls: text === "" ? "all" : "none" };
  }
  const { minValues, maxValues, nullCount, numRecords } = statsOf(file);
  const nulls = nullCount?.[field.name];
  // Others leave NaN out of their statistics; the engine holds it for the greatest number.
  const mayHideNaN = (field.type === "double" || field.type === "float") && !file.tags;
  const max = comparable(field, maxValues?.[field.name]);
  // Others cut the microseconds off.
  const roof = typeof max === "bigint" && String(field.type).startsWith("timestamp")
    ? max + 999n
    : max;
  return {
    field,
    min: comparable(field, minValues?.[field.name]),
    max: mayHideNaN ? undefined : roof,
    nulls: nulls === undefined
      ? "unknown"
      : nulls === 0
      ? "none"
      : nulls === numRecords
      ? "all"
      : "some",
  };
}

function fieldOf(table: Skippable, node: Condition | undefined): Field | null {
  const names = node?.type === "COLUMN_REF" ? node.column_names ?? [] : [];
  if (names.length === 0 || names.length > 2) return null;
  const find = (name: string) =>
    table.fields.find((field) => field.name.toLowerCase() === name.toLowerCase()) ?? null;
  // With two parts the first may be a struct column instead of the table.
  return names.length === 2 && find(names[0]!) !== null ? null : find(names.at(-1)!);
}

function literalOf(field: Field, node: Condition | undefined): StatValue | undefined {
  if (node?.type === "OPERATOR_CAST") {
    const wanted = field.type === "date" ? "DATE" : "TIMESTAMP";
    return node.cast_type?.id === wanted ? literalOf(field, node.child) : undefined;
  }
  if (node?.type !== "VALUE_CONSTANT" || node.value === undefined) return undefined;
  const { type, value } = node.value;
  if (typeof value !== "number" && typeof value !== "bigint" && typeof value !== "string") {
    return undefined;
  }
  const isText = type.id === "VARCHAR";
  const takesText = field.type === "string" || field.type === "date" ||
    String(field.type).startsWith("timestamp");
  if (isText !== takesText) return undefined;
  if (type.id === "DECIMAL") return Number(value) / 10 ** (type.type_info?.scale ?? 0);
  return comparable(field, value);
}

/** A statistic, partition value or literal so that two of a column compare; undefined when unsure. */
function comparable(field: Field, value: StatValue | undefined): StatValue | undefined {
  if (value === undefined || typeof field.type !== "string") return undefined;
  switch (field.type) {
    case "long":
    case "integer":
    case "short":
    case "byte":
      return typeof value === "string" ? wholeNumber(value) : value;
    case "double":
    case "float": {
      const number = Number(value);
      return Number.isNaN(number) ? undefined : number;
    }
    case "string":
      return typeof value === "string" ? value : undefined;
    case "date":
      return typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value) ? value : undefined;
    case "timestamp":
    case "timestamp_ntz":
      return microseconds(value);
    default:
      return undefined;
  }
}

function wholeNumber(text: string): bigint | undefined {
  return /^-?\d+$/.test(text) ? BigInt(text) : undefined;
}

function microseconds(value: StatValue): bigint | undefined {
  const match =
    /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,6}))?(?:Z|\+00(?::?00)?)?)?$/.exec(
      String(value),
    );
  if (match === null) return undefined;
  const seconds = Date.parse(`${match[1]}T${match[2] ?? "00:00"}Z`);
  if (Number.isNaN(seconds)) return undefined;
  return BigInt(seconds) * 1000n + BigInt((match[3] ?? "").padEnd(6, "0"));
}
