import { SchemaError, UnsupportedTableError } from "./errors.ts";

/** The types a column of a new table can have, in Delta's words. Timestamps are UTC microseconds. */
export type ColumnType =
  | "long"
  | "integer"
  | "short"
  | "byte"
  | "double"
  | "float"
  | "string"
  | "timestamp"
  | "date"
  | "boolean"
  | "binary"
  | `decimal(${number},${number})`;

/** A column as people declare it. */
export interface Column {
  name: string;
  type: ColumnType;
  /** Whether the column may hold nulls. @default true */
  nullable?: boolean;
  /** What the column means; kept in the table. */
  comment?: string;
}

/** A type as the log writes it: a name, or a nested type of a table that others made. */
export type DeltaType =
  | string
  | { type: "struct"; fields: Field[] }
  | { type: "array"; elementType: DeltaType; containsNull: boolean }
  | { type: "map"; keyType: DeltaType; valueType: DeltaType; valueContainsNull: boolean };

/** A column as the log writes it. */
export interface Field {
  name: string;
  type: DeltaType;
  nullable: boolean;
  metadata: Record<string, unknown>;
}

const DUCK_TYPES: Record<string, string> = {
  long: "BIGINT",
  integer: "INTEGER",
  short: "SMALLINT",
  byte: "TINYINT",
  double: "DOUBLE",
  float: "FLOAT",
  string: "VARCHAR",
  timestamp: "TIMESTAMP",
  timestamp_ntz: "TIMESTAMP",
  date: "DATE",
  boolean: "BOOLEAN",
  binary: "BLOB",
};

/** Fields of the schema that a table declared with these columns gets. */
export function toFields(columns: readonly Column[]): Field[] {
  if (columns.length === 0) throw new SchemaError("A table needs at least one column.");
  const seen = new Set<string>();
  return columns.map((column) => {
    if (column.name === "" || /[,;{}()\n\t=]/.test(column.name)) {
      throw new SchemaError(
        `Column name «${column.name}» is empty or has one of the characters ,;{}()= or a line break: choose another.`,
      );
    }
    if (seen.has(column.name.toLowerCase())) {
      throw new SchemaError(`Column ${column.name} is declared twice (case does not count).`);
    }
    seen.add(column.name.toLowerCase());
    const type = normalType(column);
    const metadata = column.comment === undefined ? {} : { comment: column.comment };
    return { name: column.name, type, nullable: column.nullable ?? true, metadata };
  });
}

function normalType(column: Column): string {
  const type = column.type.replaceAll(" ", "");
  const decimal = /^decimal\((\d+),(\d+)\)$/.exec(type);
  const known = decimal === null
    ? DUCK_TYPES[type] !== undefined
    : Number(decimal[1]) <= 38 && Number(decimal[2]) <= Number(decimal[1]);
  if (!known) {
    throw new SchemaError(
      `Column ${column.name} has type ${column.type}; known are ${
        Object.keys(DUCK_TYPES).join(", ")
      } and decimal(p,s) with s <= p <= 38.`,
    );
  }
  return type;
}

/** Columns of a schema in the words people declare them. */
export function toColumns(fields: readonly Field[]): Column[] {
  return fields.map((field) => ({
    name: field.name,
    type: (typeof field.type === "string" ? field.type : field.type.type) as ColumnType,
    nullable: field.nullable,
    ...(typeof field.metadata.comment === "string" ? { comment: field.metadata.comment } : {}),
  }));
}

/** The schema's JSON text, as the log keeps it. */
export function schemaText(fields: readonly Field[]): string {
  return JSON.stringify({ type: "struct", fields });
}

/** Reads the schema's JSON text. */
export function parseSchema(text: string): Field[] {
  const schema = JSON.parse(text) as { fields: Field[] };
  return schema.fields.map((field) => ({ ...field, metadata: field.metadata ?? {} }));
}

/**
 * The DuckDB type in which queries see a type of the log.
 *
 * @throws {UnsupportedTableError} for a type that DuckDB cannot hold
 */
export function duckType(type: DeltaType): string {
  if (typeof type !== "string") return nestedType(type);
  const known = DUCK_TYPES[type];
  if (known !== undefined) return known;
  if (type.startsWith("decimal")) return type.toUpperCase();
  throw new UnsupportedTableError(`Type ${type} is not known here; the table cannot be read.`);
}

function nestedType(type: Exclude<DeltaType, string>): string {
  if (type.type === "array") return `${duckType(type.elementType)}[]`;
  if (type.type === "map") return `MAP(${duckType(type.keyType)}, ${duckType(type.valueType)})`;
  const fields = type.fields.map((field) => `${quoteName(field.name)} ${duckType(field.type)}`);
  return `STRUCT(${fields.join(", ")})`;
}

/** A name as SQL writes it, whatever characters it has. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as an SQL literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The log's type for a DuckDB type, for tables made from a query's result. */
export function deltaType(name: string, duck: string): ColumnType {
  const decimal = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(duck);
  if (decimal !== null) return `decimal(${Number(decimal[1])},${Number(decimal[2])})`;
  const type = FROM_DUCK[duck.startsWith("ENUM") ? "ENUM" : duck];
  if (type !== undefined) return type;
  throw new SchemaError(
    `Column ${name} has the SQL type ${duck}, which a table cannot keep: cast it to another type.`,
  );
}

const FROM_DUCK: Record<string, ColumnType> = {
  BIGINT: "long",
  HUGEINT: "long",
  UBIGINT: "long",
  UINTEGER: "long",
  INTEGER: "integer",
  USMALLINT: "integer",
  SMALLINT: "short",
  UTINYINT: "short",
  TINYINT: "byte",
  DOUBLE: "double",
  FLOAT: "float",
  VARCHAR: "string",
  ENUM: "string",
  UUID: "string",
  JSON: "string",
  TIMESTAMP: "timestamp",
  TIMESTAMP_S: "timestamp",
  TIMESTAMP_MS: "timestamp",
  TIMESTAMP_NS: "timestamp",
  "TIMESTAMP WITH TIME ZONE": "timestamp",
  DATE: "date",
  BOOLEAN: "boolean",
  BLOB: "binary",
};
