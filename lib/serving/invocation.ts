import { z } from "zod";
import { ApiError } from "./errors.ts";
import { parseExact } from "./exactJson.ts";

/** A row of a request as the caller wrote it. Rows of the same columns share the array of names. */
export interface GivenRow {
  columns: readonly string[];
  values: readonly unknown[];
}

/** What a caller may ask for beside the scores, in the request's `params`. */
export interface InvocationParams {
  /** Answer the ages of the features too. @default false */
  ages: boolean;
  /** Answer the features that were used too. @default false */
  features: boolean;
  /** Allow looked-up features from the cache. @default true */
  cache: boolean;
  /** Answer the next best action of each row too; a discount so answered is given. @default false */
  actions: boolean;
}

/** A scoring request, read. */
export interface Invocation {
  rows: GivenRow[];
  params: InvocationParams;
}

const FORMATS = ["dataframe_split", "dataframe_records", "instances", "inputs"] as const;
const COMPANIONS = ["params", "client_request_id", "signature_name"];

const paramsSchema = z.strictObject({
  ages: z.boolean().default(false),
  features: z.boolean().default(false),
  cache: z.boolean().default(true),
  actions: z.boolean().default(false),
});

/**
 * Reads the JSON body of an invocation in MLflow's scoring protocol: exactly one of
 * `dataframe_split`, `dataframe_records`, `instances` (records) and `inputs` (columns or records),
 * and optionally `params`.
 *
 * @param text the body
 * @param maxRows more rows than this are refused
 * @throws {ApiError} BAD_REQUEST when the text or its shape is wrong, saying what was expected
 */
export function readInvocation(text: string, maxRows: number): Invocation {
  const body = parseBody(text);
  const given = FORMATS.filter((format) => Object.hasOwn(body, format));
  const unknown = Object.keys(body).filter((key) =>
    !COMPANIONS.includes(key) && !(FORMATS as readonly string[]).includes(key)
  );
  if (given.length !== 1 || unknown.length > 0) {
    throw bad(
      `The request must be a JSON object with exactly one of the input fields ${
        FORMATS.join(", ")
      }; ` +
        `it has ${given.length === 0 ? "none" : given.join(" and ")}` +
        (unknown.length > 0 ? ` and ${unknown.length} unknown field(s)` : "") + ".",
    );
  }
  const rows = readers[given[0]!](body[given[0]!], given[0]!);
  if (rows.length === 0) throw bad(`${given[0]} holds no rows: give at least one.`);
  if (rows.length > maxRows) {
    throw bad(
      `${given[0]} holds ${rows.length} rows, at most ${maxRows} are scored at once: split them.`,
    );
  }
  return { rows, params: readParams(body["params"]) };
}

function parseBody(text: string): Record<string, unknown> {
  let body: unknown;
  try {
    body = parseExact(text);
  } catch (error) {
    throw new ApiError(
      "BAD_REQUEST",
      "The body is not valid JSON: send a JSON object (NaN and Infinity are not JSON; write null).",
      { cause: error },
    );
  }
  if (!isObject(body)) throw bad("The body must be a JSON object.");
  return body;
}

function readParams(params: unknown): InvocationParams {
  const read = paramsSchema.safeParse(params ?? {});
  if (read.success) return read.data;
  throw bad(
    "params may hold only the switches ages, features, cache and actions, each true or false.",
  );
}

const readers: Record<typeof FORMATS[number], (value: unknown, format: string) => GivenRow[]> = {
  dataframe_split: fromSplit,
  dataframe_records: fromRecords,
  instances: fromRecords,
  inputs: (value, format) =>
    Array.isArray(value) ? fromRecords(value, format) : fromColumns(value, format),
};

function fromSplit(value: unknown, format: string): GivenRow[] {
  if (!isObject(value)) throw bad(`${format} must be an object with columns and data.`);
  const { columns, data } = value;
  if (!Array.isArray(columns) || !columns.every((name) => typeof name === "string")) {
    throw bad(`${format}.columns must be an array of column names.`);
  }
  if (new Set(columns).size !== columns.length) {
    throw bad(`${format}.columns names a column twice.`);
  }
  if (!Array.isArray(data)) throw bad(`${format}.data must be an array of rows.`);
  return data.map((row: unknown, at) => {
    if (!Array.isArray(row) || row.length !== columns.length) {
      throw bad(
        `${format}.data row ${at} must be an array of ${columns.length} values, one a column.`,
      );
    }
    return { columns, values: row };
  });
}

function fromRecords(value: unknown, format: string): GivenRow[] {
  if (!Array.isArray(value)) throw bad(`${format} must be an array of records.`);
  let columns: string[] = [];
  return value.map((row: unknown, at) => {
    if (!isObject(row)) {
      throw bad(`${format} row ${at} must be an object of column names and values.`);
    }
    const names = Object.keys(row);
    const alike = names.length === columns.length && names.every((name, i) => name === columns[i]);
    if (!alike) columns = names;
    return { columns, values: Object.values(row) };
  });
}

function fromColumns(value: unknown, format: string): GivenRow[] {
  if (!isObject(value)) {
    throw bad(`${format} must be an object of columns or an array of records.`);
  }
  const columns = Object.keys(value);
  const lists = Object.values(value).map((one): unknown[] => Array.isArray(one) ? one : [one]);
  const height = lists[0]?.length ?? 0;
  if (lists.some((list) => list.length !== height)) {
    throw bad(`${format} must have columns of the same length.`);
  }
  return Array.from({ length: height }, (_, at) => ({
    columns,
    values: lists.map((list) => list[at]),
  }));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function bad(message: string): ApiError {
  return new ApiError("BAD_REQUEST", message);
}
