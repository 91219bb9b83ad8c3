import type { Action, MetaData } from "./actions.ts";
import { type Attempt, transact } from "./commit.ts";
import { DeltaError, SchemaError, TableNotFoundError } from "./errors.ts";
import type { Lakehouse } from "./lake.ts";
import { findSnapshot } from "./log.ts";
import { parseTableName } from "./names.ts";
import { NEW_TABLE_PROTOCOL } from "./protocol.ts";
import { type Column, type Field, schemaText, toFields } from "./schema.ts";
import { foldersIn } from "./storage.ts";

/** What a table is made with. */
export interface TableOptions {
  columns: readonly Column[];
  /** Columns by whose values the data files are kept apart. @default none */
  partitionBy?: readonly string[];
  /** @default none */
  properties?: Record<string, string>;
  /** @default none */
  description?: string;
}

/** How {@link createTable} makes a table. */
export interface CreateOptions extends TableOptions {
  /** Leave an existing table as it is instead of refusing. @default false */
  ifNotExists?: boolean;
}

/**
 * Creates an empty table.
 *
 * @param table `name` or `database.name`
 * @throws {DeltaError} when the table exists and `ifNotExists` is not set
 */
export async function createTable(
  lake: Lakehouse,
  table: string,
  options: CreateOptions,
): Promise<void> {
  await transact(lake, table, (snapshot): Promise<Attempt | null> => {
    if (snapshot !== null && options.ifNotExists) return Promise.resolve(null);
    if (snapshot !== null) throw new DeltaError(`Table ${snapshot.table} exists already.`);
    const actions = [{ protocol: NEW_TABLE_PROTOCOL }, metaDataAction(options)];
    return Promise.resolve({ actions, info: { operation: "CREATE TABLE" } });
  });
}

/** The action that names a new table's schema and properties. */
export function metaDataAction(options: TableOptions, id: string = crypto.randomUUID()): Action {
  const fields = toFields(options.columns);
  const metaData: MetaData = {
    id,
    format: { provider: "parquet", options: {} },
    schemaString: schemaText(fields),
    partitionColumns: partitionColumns(fields, options.partitionBy ?? []),
    configuration: options.properties ?? {},
    createdTime: Date.now(),
    ...(options.description === undefined ? {} : { description: options.description }),
  };
  return { metaData };
}

/**
 * The names of partition columns as the schema writes them.
 *
 * @throws {SchemaError} when one is not a column of a plain type, or no other column is left
 */
export function partitionColumns(fields: readonly Field[], names: readonly string[]): string[] {
  const found = names.map((name) => {
    const field = fields.find((field) => field.name.toLowerCase() === name.toLowerCase());
    if (field !== undefined && typeof field.type === "string" && field.type !== "binary") {
      return field.name;
    }
    throw new SchemaError(
      `Column ${name} cannot partition a table: it is ${
        field === undefined ? "not among its columns" : "binary or nested"
      }.`,
    );
  });
  if (new Set(found).size < found.length || (found.length > 0 && found.length >= fields.length)) {
    throw new SchemaError("A table needs a column beside its partition columns, each named once.");
  }
  return found;
}

/** Whether there is such a table. */
export async function tableExists(lake: Lakehouse, table: string): Promise<boolean> {
  return await findSnapshot(lake, parseTableName(table)) !== null;
}

/** Names of the tables of a database, sorted. */
export async function listTables(lake: Lakehouse, database = "clickstream"): Promise<string[]> {
  const names = (await foldersIn(lake.storage, database)).sort();
  const exist = await Promise.all(names.map((name) => tableExists(lake, `${database}.${name}`)));
  return names.filter((_, i) => exist[i]);
}

/**
 * Removes a table with its data and its history.
 *
 * @throws {TableNotFoundError} when there is no such table
 */
export async function dropTable(lake: Lakehouse, table: string): Promise<void> {
  const name = parseTableName(table);
  if (!await tableExists(lake, table)) {
    throw new TableNotFoundError(`Table ${name.full} does not exist, so it cannot be dropped.`);
  }
  await lake.logs.get(name.folder)?.checkpointing;
  // The log goes first: without it, what is left is no table.
  await lake.storage.delete(`${name.folder}/_delta_log`);
  await lake.storage.delete(name.folder);
  lake.logs.delete(name.folder);
}
