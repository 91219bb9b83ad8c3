import { exchange, transact } from "./commit.ts";
import { CorruptTableError } from "./errors.ts";
import type { Lakehouse } from "./lake.ts";
import { existing } from "./log.ts";
import { locateFile } from "./relation.ts";
import { statObject } from "./storage.ts";
import { snapshot as snapshotOf, type VersionOptions } from "./travel.ts";

/**
 * Makes a table again what it was at a version or time, by a new commit: nothing is lost.
 *
 * @returns the version after it
 * @throws {TableNotFoundError} when there is no such table or version
 * @throws {CorruptTableError} when data files of that version are gone, as after a vacuum
 */
export async function restoreTable(
  lake: Lakehouse,
  table: string,
  options: VersionOptions,
): Promise<number> {
  const target = await snapshotOf(lake, table, options);
  return await transact(lake, table, async (found) => {
    const current = existing(table, found);
    const removed = [...current.files.values()].filter((file) => !target.files.has(file.path));
    const added = [...target.files.values()].filter((file) => !current.files.has(file.path));
    for (const file of added) {
      const path = `${target.folder}/${decodeURIComponent(file.path)}`;
      const own = lake.storage.locate(path) === locateFile(lake, target, file);
      if (!own || await statObject(lake.storage, path) !== null) continue;
      throw new CorruptTableError(
        `Table ${target.table}: data file ${file.path} of version ${target.version} is gone, so the version cannot be restored.`,
      );
    }
    const sameSchema = JSON.stringify(target.metadata) === JSON.stringify(current.metadata);
    return exchange({
      operation: "RESTORE",
      parameters: { version: target.version },
      head: sameSchema ? [] : [{ metaData: target.metadata }],
      removed,
      added,
      reads: () => true,
    }, current);
  });
}
