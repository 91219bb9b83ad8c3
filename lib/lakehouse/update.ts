import type { WriteOptions } from "./commit.ts";
import { type Lakehouse, withSession } from "./lake.ts";
import { rewriteRows } from "./rewrite.ts";

/** What {@link updateTable} changes. */
export interface UpdateOptions extends WriteOptions {
  /** SQL of the new value by column; it sees the old row. */
  set: Record<string, string>;
  /** Condition of the rows to change. @default all rows */
  where?: string;
}

/**
 * Changes columns of the rows for which a condition is true. Without such rows there is no commit.
 *
 * @returns the version after it
 * @throws {TableNotFoundError} when there is no such table
 * @throws {SchemaError} when a column is not there, or a value does not fit it
 */
export async function updateTable(
  lake: Lakehouse,
  table: string,
  options: UpdateOptions,
): Promise<number> {
  const change = { where: options.where ?? "true", set: options.set, operation: "UPDATE" };
  return await withSession(lake, (session) => rewriteRows(lake, session, table, change, options));
}
