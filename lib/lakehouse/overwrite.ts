import type { Action } from "./actions.ts";
import { exchange, transact, type WriteOptions } from "./commit.ts";
import { metaDataAction, partitionColumns, type TableOptions } from "./create.ts";
import type { Lakehouse } from "./lake.ts";
import { findSnapshot } from "./log.ts";
import { parseTableName } from "./names.ts";
import { NEW_TABLE_PROTOCOL } from "./protocol.ts";
import { replaceRows } from "./replace.ts";
import { deltaType, schemaText, toFields } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";
import { type OpenSource, type Source, withSource } from "./source.ts";
import { conform, writeFiles } from "./write.ts";

/** How {@link overwriteTable} writes; a schema or properties given replace those of the table. */
export interface OverwriteOptions extends WriteOptions, Partial<TableOptions> {
  /**
   * Replace only the rows for which this condition is true, such as a partition; the source must
   * have no others. @default all rows
   */
  replaceWhere?: string;
}

/**
 * Replaces the rows of a table, in one commit. A table that does not exist is created, with the
 * columns given or else those of the source.
 *
 * @returns the version committed
 * @throws {SchemaError} when the source does not fit the table, or `replaceWhere` does not hold
 */
export async function overwriteTable(
  lake: Lakehouse,
  table: string,
  source: Source,
  options: OverwriteOptions = {},
): Promise<number> {
  const name = parseTableName(table);
  if (options.replaceWhere !== undefined) {
    return await replaceRows(lake, table, source, { ...options, where: options.replaceWhere });
  }
  const before = await findSnapshot(lake, name);
  const given = options.columns === undefined ? before?.fields : toFields(options.columns);
  return await withSource(lake, source, given, async (open) => {
    const columns = options.columns ?? before?.schema ?? columnsOf(open);
    const fields = toFields(columns);
    const partitionBy = partitionColumns(
      fields,
      options.partitionBy ?? before?.partitionColumns ?? [],
    );
    const shape = { table: name.full, folder: name.folder, fields, partitionColumns: partitionBy };
    const files = await writeFiles(lake, open, shape, conform(open, shape));
    return await transact(lake, table, (snapshot) => {
      const change = {
        operation: "WRITE",
        parameters: { mode: "Overwrite" },
        head: headActions(snapshot, { ...options, columns, partitionBy }),
        removed: snapshot?.files.values() ?? [],
        added: files,
        // Whatever others did meanwhile is replaced, so only the removals have to be made anew.
        reads: () => true,
      };
      return Promise.resolve(exchange(change, snapshot, options));
    });
  });
}

/** Protocol and schema of a new table; the schema of an existing one where it changes. */
function headActions(snapshot: Snapshot | null, options: TableOptions): Action[] {
  if (snapshot === null) return [{ protocol: NEW_TABLE_PROTOCOL }, metaDataAction(options)];
  const wanted = {
    columns: options.columns,
    partitionBy: options.partitionBy ?? [],
    properties: options.properties ?? { ...snapshot.properties },
    ...descriptionOf(options.description ?? snapshot.description),
  };
  const same = schemaText(toFields(wanted.columns)) === snapshot.metadata.schemaString &&
    options.partitionBy?.join() === snapshot.partitionColumns.join() &&
    JSON.stringify(wanted.properties) === JSON.stringify(snapshot.properties) &&
    wanted.description === snapshot.description;
  return same ? [] : [metaDataAction(wanted, snapshot.metadata.id)];
}

function descriptionOf(description: string | undefined): { description?: string } {
  return description === undefined ? {} : { description };
}

function columnsOf(open: OpenSource): TableOptions["columns"] {
  return [...open.types].map(([name, type]) => ({ name, type: deltaType(name, type) }));
}
