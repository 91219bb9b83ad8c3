import { SchemaError } from "./errors.ts";
import type { Lakehouse } from "./lake.ts";
import { relationSql } from "./relation.ts";
import { quoteName } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";
import { snapshot } from "./travel.ts";

/** How {@link changesBetween} tells changes. */
export interface ChangeOptions {
  /** Columns that identify a row: then a changed row is told as an update. @default none */
  keys?: readonly string[];
}

/**
 * SQL of a relation with the rows that differ between two versions, found by comparing the files
 * in which these differ. The column `_change_type` says `insert` or `delete`; with keys a changed
 * row is told as `update_preimage` and `update_postimage`.
 *
 * @param from version before
 * @param to version after, whose columns the relation has
 * @throws {TableNotFoundError} when there is no such table or version
 * @throws {SchemaError} when a key is not a column
 */
export async function changesBetween(
  lake: Lakehouse,
  table: string,
  from: number,
  to: number,
  options: ChangeOptions = {},
): Promise<string> {
  const before = await snapshot(lake, table, { version: from });
  const after = await snapshot(lake, table, { version: to });
  const old = rowsOnlyIn(lake, before, after, after);
  const fresh = rowsOnlyIn(lake, after, before, after);
  const deletes = `(SELECT * FROM ${old} EXCEPT ALL SELECT * FROM ${fresh})`;
  const inserts = `(SELECT * FROM ${fresh} EXCEPT ALL SELECT * FROM ${old})`;
  const keys = options.keys ?? [];
  const absent = keys.find((key) => !after.fields.some((field) => field.name === key));
  if (absent !== undefined) throw new SchemaError(`Table ${after.table} has no column ${absent}.`);
  const typed = (rows: string, others: string, alone: string, paired: string) => {
    if (keys.length === 0) return `SELECT *, '${alone}' AS _change_type FROM ${rows}`;
    const same = keys.map((key) => `o.${quoteName(key)} IS NOT DISTINCT FROM r.${quoteName(key)}`);
    return `SELECT *, CASE WHEN EXISTS (SELECT 1 FROM ${others} AS o WHERE ${same.join(" AND ")})
      THEN '${paired}' ELSE '${alone}' END AS _change_type FROM ${rows} AS r`;
  };
  return `(${typed(deletes, inserts, "delete", "update_preimage")}
    UNION ALL ${typed(inserts, deletes, "insert", "update_postimage")})`;
}

/** Rows of the files that only one of two versions has, with the columns of a third. */
function rowsOnlyIn(lake: Lakehouse, one: Snapshot, other: Snapshot, shape: Snapshot): string {
  const files = [...one.files.values()].filter((file) => !other.files.has(file.path));
  return relationSql(lake, shape, { files });
}
