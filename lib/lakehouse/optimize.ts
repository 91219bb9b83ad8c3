import type { AddFile } from "./actions.ts";
import { exchange, transact } from "./commit.ts";
import { SchemaError } from "./errors.ts";
import { type Lakehouse, withSession } from "./lake.ts";
import { existing } from "./log.ts";
import { mayMatch, parseCondition } from "./predicate.ts";
import { relationSql } from "./relation.ts";
import { quoteName } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";
import { statsOf } from "./stats.ts";
import { writeFiles } from "./write.ts";

/** What {@link optimize} does. */
export interface OptimizeOptions {
  /** Files with fewer rows are put together. @default 245,760 (half of what a file holds) */
  smallerThanRows?: number;
  /** Columns by which all rows are sorted, so that reads skip more files. @default rows keep their order */
  sortBy?: readonly string[];
  /** Only files that can hold rows for this condition, such as a partition. @default all */
  where?: string;
}

/**
 * Puts small files together, partition by partition, and sorts rows if asked. No row changes, and
 * appends go on meanwhile. Without anything to do there is no commit.
 *
 * @returns the version after it
 * @throws {TableNotFoundError} when there is no such table
 * @throws {SchemaError} when a column to sort by is not there
 */
export async function optimize(
  lake: Lakehouse,
  table: string,
  options: OptimizeOptions = {},
): Promise<number> {
  return await withSession(lake, async (session) => {
    const condition = options.where === undefined
      ? null
      : await parseCondition(session, options.where);
    return await transact(lake, table, async (found) => {
      const snapshot = existing(table, found);
      const order = sortOrder(snapshot, options.sortBy ?? []);
      const files = [...snapshot.files.values()].filter((file) =>
        condition === null || mayMatch(snapshot, file, condition)
      );
      const removed: AddFile[] = [];
      const added: AddFile[] = [];
      for (const group of groupsOf(files, order === null ? options : null)) {
        const relation = relationSql(lake, snapshot, { files: group });
        added.push(
          ...await writeFiles(lake, { session }, snapshot, relation, order ?? undefined),
        );
        removed.push(...group);
      }
      const parameters = {
        predicate: JSON.stringify(options.where === undefined ? [] : [options.where]),
        zOrderBy: JSON.stringify(options.sortBy ?? []),
      };
      const change = { operation: "OPTIMIZE", parameters, removed, added, rearranges: true };
      return exchange(change, snapshot);
    });
  });
}

function sortOrder(snapshot: Snapshot, columns: readonly string[]): string | null {
  const names = new Set(snapshot.fields.map((field) => field.name));
  const absent = columns.find((column) => !names.has(column));
  if (absent !== undefined) {
    throw new SchemaError(`Table ${snapshot.table} has no column ${absent} to sort by.`);
  }
  return columns.length === 0 ? null : columns.map(quoteName).join(", ");
}

/** Files to write anew together: the small ones of each partition, or all when rows are sorted. */
function groupsOf(files: readonly AddFile[], small: OptimizeOptions | null): AddFile[][] {
  const most = small === null ? Infinity : small.smallerThanRows ?? 245_760;
  const groups = new Map<string, AddFile[]>();
  for (const file of files) {
    if ((statsOf(file).numRecords ?? 0) >= most) continue;
    const key = JSON.stringify(Object.entries(file.partitionValues).sort());
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }
  return [...groups.values()].filter((group) => small === null || group.length > 1);
}
