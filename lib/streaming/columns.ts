import type { Column } from "clickstream/lakehouse";

/** Rows of a table that wait to be written, as columns. */
export interface ColumnBuffer {
  /** Values by column, all of one length. */
  columns: Record<string, unknown[]>;
  rows: number;
}

/** An empty buffer for a table's columns. */
export function emptyBuffer(columns: readonly Column[]): ColumnBuffer {
  return { columns: Object.fromEntries(columns.map((c) => [c.name, []])), rows: 0 };
}

/** Adds a row; every column must be given. */
export function pushRow(buffer: ColumnBuffer, row: Record<string, unknown>): void {
  for (const name in buffer.columns) buffer.columns[name]!.push(row[name]);
  buffer.rows += 1;
}
