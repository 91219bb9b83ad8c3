import type { Action } from "./actions.ts";
import { transact } from "./commit.ts";
import { SchemaError } from "./errors.ts";
import type { Lakehouse } from "./lake.ts";
import { existing } from "./log.ts";
import { type Column, deltaType, type Field, schemaText, toFields } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";
import type { TableShape } from "./write.ts";

/**
 * Adds columns to a table; rows that are there have nulls in them.
 *
 * @returns the version committed
 * @throws {SchemaError} when a column is there already, or must not be null
 */
export async function addColumns(
  lake: Lakehouse,
  table: string,
  columns: readonly Column[],
): Promise<number> {
  return await transact(lake, table, (found) => {
    const snapshot = existing(table, found);
    const added = toFields(columns);
    for (const field of added) {
      const known = snapshot.fields.some((f) => f.name.toLowerCase() === field.name.toLowerCase());
      if (!known && field.nullable) continue;
      throw new SchemaError(
        known
          ? `Table ${snapshot.table} has a column ${field.name} already.`
          : `Table ${snapshot.table}: the added column ${field.name} must take nulls, for the rows that are there.`,
      );
    }
    return Promise.resolve({
      actions: schemaActions(snapshot, [...snapshot.fields, ...added]),
      info: { operation: "ADD COLUMNS", operationParameters: { columns: schemaText(added) } },
    });
  });
}

/** The table's columns, and behind them those that only the source has. */
export function widenedBy(
  fields: readonly Field[],
  types: ReadonlyMap<string, string>,
): readonly Field[] {
  const known = new Set(fields.map((field) => field.name.toLowerCase()));
  const columns = [...types].filter(([name]) => !known.has(name.toLowerCase()))
    .map(([name, type]) => ({ name, type: deltaType(name, type) }));
  return columns.length === 0 ? fields : [...fields, ...toFields(columns)];
}

/** The action that gives a table other columns; none when they are the same. */
export function schemaActions(snapshot: Snapshot, fields: readonly Field[]): Action[] {
  const schemaString = schemaText(fields);
  if (fields === snapshot.fields || schemaString === snapshot.metadata.schemaString) return [];
  return [{ metaData: { ...snapshot.metadata, schemaString } }];
}

/** Whether data files written for one shape of a table are right for another, later one. */
export function holdsFilesOf(later: TableShape, written: TableShape): boolean {
  if (later.folder !== written.folder) return false;
  if (later.partitionColumns.join() !== written.partitionColumns.join()) return false;
  const known = new Map(written.fields.map((field) => [field.name, field]));
  const same = later.fields.every((field) => {
    const before = known.get(field.name);
    known.delete(field.name);
    if (before === undefined) return field.nullable;
    return JSON.stringify(before.type) === JSON.stringify(field.type) &&
      (field.nullable || !before.nullable);
  });
  return same && known.size === 0;
}
