import type { DuckDBValue } from "@duckdb/node-api";
import { SchemaError } from "./errors.ts";
import type { ColumnType } from "./schema.ts";

const INTEGER_RANGES: Record<string, bigint> = {
  integer: 1n << 31n,
  short: 1n << 15n,
  byte: 1n << 7n,
};

/**
 * What makes a plain value one of the engine's for a column.
 *
 * @param type the column's type in the log's words
 * @returns a function that throws a {@link SchemaError} for a value that would not be kept exactly
 */
export function converter(
  name: string,
  type: string,
  duck: typeof import("@duckdb/node-api"),
): (value: unknown) => DuckDBValue {
  const refuse = (value: unknown): never => {
    throw new SchemaError(
      `Column ${name} is ${type}; the value ${
        String(value)
      } (${typeof value}) does not fit: convert it first.`,
    );
  };
  if (type === "long") return (value) => toBigInt(value) ?? refuse(value);
  if (type.startsWith("timestamp")) return (value) => toMicroseconds(value) ?? refuse(value);
  const range = INTEGER_RANGES[type];
  if (range !== undefined) {
    return (value) => {
      const whole = toBigInt(value);
      return whole === null || whole >= range || whole < -range ? refuse(value) : Number(whole);
    };
  }
  switch (type) {
    case "double":
    case "float":
      return (value) => typeof value === "number" ? value : refuse(value);
    case "string":
      return (value) => typeof value === "string" ? value : refuse(value);
    case "boolean":
      return (value) => typeof value === "boolean" ? value : refuse(value);
    case "binary":
      return (value) =>
        value instanceof Uint8Array ? new duck.DuckDBBlobValue(value) : refuse(value);
    case "date":
      return (value) => toDateText(value) ?? refuse(value);
    default: // decimal: its text is cast by the engine, which refuses what does not fit.
      return (value) =>
        ["string", "number", "bigint"].includes(typeof value) ? String(value) : refuse(value);
  }
}

const INT64 = 1n << 63n;

function toBigInt(value: unknown): bigint | null {
  if (typeof value === "bigint") return value < INT64 && value >= -INT64 ? value : null;
  return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : null;
}

function toMicroseconds(value: unknown): bigint | null {
  return value instanceof Date ? BigInt(value.getTime()) * 1000n : toBigInt(value);
}

function toDateText(value: unknown): string | null {
  if (typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value)) return value;
  if (value instanceof Date) return value.toISOString().slice(0, 10);
  if (typeof value !== "number" || !Number.isInteger(value)) return null;
  return new Date(value * 86_400_000).toISOString().slice(0, 10);
}

/**
 * The type of a column of which only the values are known: that of the first that is no null.
 *
 * @throws {SchemaError} when all are null, or of no plain type
 */
export function guessType(name: string, values: ArrayLike<unknown>): ColumnType {
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (value === null || value === undefined) continue;
    if (typeof value === "bigint") return "long";
    if (typeof value === "number") return "double";
    if (typeof value === "string") return "string";
    if (typeof value === "boolean") return "boolean";
    if (value instanceof Date) return "timestamp";
    if (value instanceof Uint8Array) return "binary";
    break;
  }
  throw new SchemaError(
    `The type of column ${name} cannot be told from its values: create the table with its columns first.`,
  );
}
