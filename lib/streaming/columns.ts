import type { Column } from "clickstream/lakehouse";

/** How the values of a table's columns are read from what a row is made of, by column. */
export type ColumnReaders<T> = Readonly<Record<string, (from: T) => unknown>>;

/**
 * The values of a table's columns, of as many rows as there are things to make them of. Column by
 * column: an object for each row would be garbage a moment later.
 *
 * @param readers one for each column
 */
export function columnsFrom<T>(
  columns: readonly Column[],
  readers: ColumnReaders<T>,
  rows: readonly T[],
): Record<string, unknown[]> {
  return Object.fromEntries(columns.map(({ name }) => [name, rows.map(readers[name]!)]));
}
