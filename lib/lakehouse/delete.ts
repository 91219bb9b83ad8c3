import type { WriteOptions } from "./commit.ts";
import { type Lakehouse, withSession } from "./lake.ts";
import { rewriteRows } from "./rewrite.ts";

/**
 * Deletes the rows for which an SQL condition is true. Files of which every row goes are only
 * taken out; others with such rows are written anew without them. Without such rows there is no
 * commit.
 *
 * @param predicate what stands after WHERE, such as `user_id = 7`
 * @returns the version after it
 * @throws {TableNotFoundError} when there is no such table
 * @throws {SchemaError} when the predicate is not a condition
 */
export async function deleteFrom(
  lake: Lakehouse,
  table: string,
  predicate: string,
  options: WriteOptions = {},
): Promise<number> {
  const change = { where: predicate, operation: "DELETE" };
  return await withSession(lake, (session) => rewriteRows(lake, session, table, change, options));
}
