import type { Column } from "clickstream/lakehouse";

/** How the values of a table's columns are read from what a row is made of, by column. */
export type ColumnReaders<T> = Readonly<Record<string, (from: T) => unknown>>;

/**
 * Rows of a table that wait to be written, as columns. Values are read when a row is added: what it
 * was made of need not live until the columns are written.
 */
export class ColumnBuffer<T> {
  /** Values by column, all of one length. */
  readonly columns: Record<string, unknown[]>;
  readonly #parts: { values: unknown[]; read: (from: T) => unknown }[];
  #rows = 0;

  /** @param readers one for each column */
  constructor(columns: readonly Column[], readers: ColumnReaders<T>) {
    this.#parts = columns.map(({ name }) => ({ values: [], read: readers[name]! }));
    this.columns = Object.fromEntries(columns.map(({ name }, i) => [name, this.#parts[i]!.values]));
  }

  /** Number of rows added. */
  get rows(): number {
    return this.#rows;
  }

  /** Adds a row. */
  push(from: T): void {
    for (const { values, read } of this.#parts) values.push(read(from));
    this.#rows += 1;
  }
}
