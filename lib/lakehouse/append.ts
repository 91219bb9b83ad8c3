import { exchange, transact, type WriteOptions } from "./commit.ts";
import { holdsFilesOf, schemaActions, widenedBy } from "./evolve.ts";
import type { Lakehouse } from "./lake.ts";
import { existing, latestSnapshot } from "./log.ts";
import { type OpenSource, type Source, withSource } from "./source.ts";
import { conform, type TableShape, writeFiles } from "./write.ts";

/** How {@link appendTo} writes. */
export interface AppendOptions extends WriteOptions {
  /** Add the source's further columns to the table instead of refusing them. @default false */
  mergeSchema?: boolean;
  /**
   * Leave columns that the source lacks out of the data files: readers see nulls there all the
   * same, and a small append to a wide table costs a fraction. @default false
   */
  omitAbsent?: boolean;
}

/**
 * Appends rows. The data is written once (again only when the table's columns change meanwhile); of
 * writers at the same time all succeed. Without rows, transactions or new columns there is no
 * commit.
 *
 * @returns the version committed
 * @throws {TableNotFoundError} when there is no such table
 * @throws {SchemaError} when the source does not fit the table
 */
export async function appendTo(
  lake: Lakehouse,
  table: string,
  source: Source,
  options: AppendOptions = {},
): Promise<number> {
  const before = await latestSnapshot(lake, table);
  return await withSource(lake, source, before.fields, async (open) => {
    const types: ReadonlyMap<string, string> = options.mergeSchema ? open.types : new Map();
    let shape: TableShape = { ...before, fields: widenedBy(before.fields, types) };
    const write = () => {
      const part = options.omitAbsent ? presentIn(open, shape) : shape;
      return writeFiles(lake, open, part, conform(open, part));
    };
    let files = await write();
    return await transact(lake, table, async (found) => {
      const snapshot = existing(table, found);
      const now = { ...snapshot, fields: widenedBy(snapshot.fields, types) };
      if (!holdsFilesOf(now, shape)) {
        shape = now;
        files = await write();
      }
      const head = schemaActions(snapshot, now.fields);
      const change = { operation: "WRITE", parameters: { mode: "Append" }, head, added: files };
      return exchange(change, snapshot, options);
    });
  });
}

/** The shape without the columns that the source lacks and that may be null. */
function presentIn(open: OpenSource, shape: TableShape): TableShape {
  const given = new Set([...open.types.keys()].map((name) => name.toLowerCase()));
  const fields = shape.fields.filter((field) =>
    given.has(field.name.toLowerCase()) || !field.nullable ||
    shape.partitionColumns.includes(field.name)
  );
  return { ...shape, fields };
}
