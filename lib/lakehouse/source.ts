import type { DuckDBConnection, DuckDBType, DuckDBValue } from "@duckdb/node-api";
import type { DataFrame } from "nodejs-polars";
import { join } from "node:path";
import { SchemaError } from "./errors.ts";
import { type Lakehouse, type Session, useSession, withSession } from "./lake.ts";
import { converter, guessType } from "./plainValues.ts";
import { duckType, type Field, quoteName, quoteText } from "./schema.ts";
import { prepareViews, sessionFor } from "./views.ts";

/** Rows to write: a query, a relation of the engine, a polars frame, or columns of plain values. */
export type Source = SqlSource | RelationSource | FrameSource | ColumnsSource;

/** The result of a query over tables of the lakehouse and what {@link execute} made. */
export interface SqlSource {
  sql: string;
  /** Where to run it, when it needs what was made there. @default a connection of the lakehouse */
  connection?: DuckDBConnection;
}

/**
 * A table of an attached database, or a query in parentheses over such tables. No name in it is
 * looked up in the lakehouse, which saves small writes much of their time.
 */
export interface RelationSource {
  relation: string;
}

/** A polars frame; its Datetime columns are UTC. */
export interface FrameSource {
  frame: DataFrame;
}

/**
 * Columns by name, all of one length; null and undefined are nulls. The table's schema says the
 * types: `long` takes bigint or whole number, `timestamp` UTC microseconds (bigint or number) or a
 * Date, `date` days since 1970 or `YYYY-MM-DD`, decimals text or number.
 */
export interface ColumnsSource {
  columns: Record<string, ArrayLike<unknown>>;
}

/** A source as SQL, on the session that can see it. */
export interface OpenSource {
  session: Session;
  /** A relation to select from. */
  relation: string;
  /** SQL types of the relation's columns, in order. */
  types: ReadonlyMap<string, string>;
}

let made = 0;

/** A name for a temporary table that nobody else has. */
export function temporaryName(what: string): string {
  return `__${what}_${++made}`;
}

/**
 * Makes a source readable as SQL, runs `work`, and takes everything away again.
 *
 * @param fields types for plain columns; without them they are guessed from the values
 */
export async function withSource<T>(
  lake: Lakehouse,
  source: Source,
  fields: readonly Field[] | undefined,
  work: (open: OpenSource) => Promise<T>,
): Promise<T> {
  if ("sql" in source) {
    const session = sessionFor(lake, source.sql, source.connection);
    const run = async (session: Session) => {
      await prepareViews(lake, session, source.sql);
      const relation = `(${source.sql.trim().replace(/;\s*$/, "")}\n)`;
      return await work({ session, relation, types: await typesOf(session, relation) });
    };
    return session === null
      ? await withSession(lake, run)
      : await useSession(session, () => run(session));
  }
  return await withSession(lake, async (session) => {
    if ("relation" in source) {
      const { relation } = source;
      return await work({ session, relation, types: await typesOf(session, relation) });
    }
    if ("frame" in source) return await withFrame(lake, session, source.frame, work);
    return await withColumns(session, source.columns, fields, work);
  });
}

async function withFrame<T>(
  lake: Lakehouse,
  session: Session,
  frame: DataFrame,
  work: (open: OpenSource) => Promise<T>,
): Promise<T> {
  const file = join(lake.scratch, `${crypto.randomUUID()}.parquet`);
  try {
    frame.writeParquet(file, { compression: "uncompressed" });
    const relation = `(SELECT * FROM read_parquet(${quoteText(file)}))`;
    return await work({ session, relation, types: await typesOf(session, relation) });
  } finally {
    await Deno.remove(file).catch(() => {});
  }
}

/** SQL types of a relation's columns. */
async function typesOf(session: Session, relation: string): Promise<Map<string, string>> {
  const prepared = await session.connection.prepare(`SELECT * FROM ${relation}`);
  try {
    const types = new Map<string, string>();
    for (let index = 0; index < prepared.columnCount; index++) {
      const name = prepared.columnName(index);
      if (types.has(name)) throw new SchemaError(`The source has two columns named ${name}.`);
      types.set(name, String(prepared.columnType(index)));
    }
    return types;
  } finally {
    prepared.destroySync();
  }
}

async function withColumns<T>(
  session: Session,
  columns: Record<string, ArrayLike<unknown>>,
  fields: readonly Field[] | undefined,
  work: (open: OpenSource) => Promise<T>,
): Promise<T> {
  const names = Object.keys(columns);
  const rows = columns[names[0] ?? ""]?.length ?? 0;
  const uneven = names.find((name) => columns[name]!.length !== rows);
  if (names.length === 0 || uneven !== undefined) {
    throw new SchemaError(
      uneven === undefined
        ? "The source has no columns."
        : `Column ${uneven} has ${columns[uneven]!.length} values, ${names[0]} has ${rows}.`,
    );
  }
  const byName = new Map(fields?.map((field) => [field.name.toLowerCase(), field.type]));
  const plans = names.map((name) => {
    const type = byName.get(name.toLowerCase()) ?? guessType(name, columns[name]!);
    if (typeof type !== "string") {
      throw new SchemaError(`Column ${name} is nested: write it from a query or a frame.`);
    }
    return { name, type };
  });
  const table = temporaryName("columns");
  const { connection } = session;
  const definition = plans.map(({ name, type }) => `${quoteName(name)} ${stagedType(type)}`);
  await connection.run(`CREATE TEMP TABLE ${table} (${definition.join(", ")})`);
  try {
    await fillTable(connection, table, plans, columns, rows);
    const selected = plans.map(({ name, type }) => fromStaged(name, type));
    const relation = `(SELECT ${selected.join(", ")} FROM temp.${table})`;
    const types = new Map(plans.map(({ name, type }) => [name, duckType(type)]));
    return await work({ session, relation, types });
  } finally {
    await connection.run(`DROP TABLE temp.${table}`);
  }
}

/** Decimals are staged as text and times as microseconds, so that nothing is rounded on the way. */
function stagedType(type: string): string {
  if (type.startsWith("timestamp")) return "BIGINT";
  return type === "date" || type.startsWith("decimal") ? "VARCHAR" : duckType(type);
}

function fromStaged(name: string, type: string): string {
  const column = quoteName(name);
  if (type.startsWith("timestamp")) return `make_timestamp(${column}) AS ${column}`;
  return stagedType(type) === duckType(type) ? column : `${column}::${duckType(type)} AS ${column}`;
}

const CHUNK = 2048;

async function fillTable(
  connection: DuckDBConnection,
  table: string,
  plans: readonly { name: string; type: string }[],
  columns: Record<string, ArrayLike<unknown>>,
  rows: number,
): Promise<void> {
  const duck = await import("@duckdb/node-api");
  const types: Record<string, DuckDBType> = {
    BIGINT: duck.BIGINT,
    INTEGER: duck.INTEGER,
    SMALLINT: duck.SMALLINT,
    TINYINT: duck.TINYINT,
    DOUBLE: duck.DOUBLE,
    FLOAT: duck.FLOAT,
    VARCHAR: duck.VARCHAR,
    BOOLEAN: duck.BOOLEAN,
    BLOB: duck.BLOB,
  };
  const kinds = plans.map(({ type }) => types[stagedType(type)]!);
  const appender = await connection.createAppender(table, null, "temp");
  try {
    for (let start = 0; start < rows; start += CHUNK) {
      const count = Math.min(CHUNK, rows - start);
      const chunk = duck.DuckDBDataChunk.create(kinds, count);
      plans.forEach(({ name, type }, index) => {
        chunk.setColumnValues(
          index,
          slice(columns[name]!, start, count, converter(name, type, duck)),
        );
      });
      appender.appendDataChunk(chunk);
    }
  } finally {
    appender.closeSync();
  }
}

function slice(
  values: ArrayLike<unknown>,
  start: number,
  count: number,
  convert: (value: unknown) => DuckDBValue,
): DuckDBValue[] {
  const converted = new Array<DuckDBValue>(count);
  for (let index = 0; index < count; index++) {
    const value = values[start + index];
    converted[index] = value === null || value === undefined ? null : convert(value);
  }
  return converted;
}
