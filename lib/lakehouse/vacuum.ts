import { inBatches } from "./batches.ts";
import { DeltaError } from "./errors.ts";
import { intervalOf } from "./intervals.ts";
import type { Lakehouse } from "./lake.ts";
import { latestSnapshot } from "./log.ts";

/** What {@link vacuum} removes. */
export interface VacuumOptions {
  /**
   * Keep files that were taken out, or written, in the last so many hours.
   * @default the table's property `delta.deletedFileRetentionDuration`, or 7 days
   */
  retentionHours?: number;
  /**
   * Allow keeping files for less time than the table's property asks for. Readers of older
   * versions and writers at work lose their files then. @default false
   */
  allowShortRetention?: boolean;
  /** Only tell what would be removed. @default false */
  dryRun?: boolean;
}

/**
 * Removes data files that the table does not refer to any more, and those that a crash left
 * without a commit. Versions that need them cannot be read afterwards.
 *
 * @returns paths below the table's folder, sorted
 * @throws {DeltaError} when the retention is shorter than the table's
 * @throws {TableNotFoundError} when there is no such table
 */
export async function vacuum(
  lake: Lakehouse,
  table: string,
  options: VacuumOptions = {},
): Promise<string[]> {
  const snapshot = await latestSnapshot(lake, table);
  const asked = intervalOf(
    snapshot.properties,
    "delta.deletedFileRetentionDuration",
    "interval 7 days",
  );
  const kept = options.retentionHours === undefined ? asked : options.retentionHours * 3_600_000;
  if (kept < asked && !options.allowShortRetention) {
    throw new DeltaError(
      `Table ${snapshot.table} keeps files for ${
        asked / 3_600_000
      } hours: allow a shorter time (allowShortRetention) only when nobody reads old versions or writes now.`,
    );
  }
  const since = Date.now() - kept;
  const needed = new Set([...snapshot.files.keys()].map(plainPath));
  for (const remove of snapshot.tombstones.values()) {
    if ((remove.deletionTimestamp ?? 0) > since) needed.add(plainPath(remove.path));
  }
  const start = snapshot.folder.length + 1;
  const found = await lake.storage.list(snapshot.folder, { recursive: true });
  const unused = found.filter(({ path, modified }) =>
    !path.startsWith(`${snapshot.folder}/_delta_log/`) && !isHidden(path.slice(start)) &&
    !needed.has(path.slice(start)) && modified <= since
  ).map(({ path }) => path);
  if (!options.dryRun) await removeFiles(lake, unused);
  return unused.map((path) => path.slice(start)).sort();
}

/** Path of a data file as the storage knows it. */
function plainPath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Folders and files of other tools; those of partitions count, whatever their first letter. */
function isHidden(path: string): boolean {
  return path.split("/").some((part) => /^[._]/.test(part) && !part.includes("="));
}

async function removeFiles(lake: Lakehouse, paths: readonly string[]): Promise<void> {
  await inBatches(paths, (path) => lake.storage.delete(path));
  // One write fills one such folder; those of its partitions lie in it.
  const folders = new Set(paths.map((path) => /^.*?\/part-[^/]+(?=\/)/.exec(path)?.[0]));
  for (const folder of folders) {
    if (folder === undefined) continue;
    const left = await lake.storage.list(folder, { recursive: true });
    if (left.length === 0) await lake.storage.delete(folder);
  }
}
