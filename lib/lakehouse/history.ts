import type { CommitInfo } from "./actions.ts";
import { inBatches } from "./batches.ts";
import { TableNotFoundError } from "./errors.ts";
import type { Lakehouse } from "./lake.ts";
import { latestSnapshot, readEntry } from "./log.ts";
import { parseTableName, type TableName } from "./names.ts";

/** One commit of a table. */
export interface HistoryEntry {
  version: number;
  /** When it was committed: by this time the table is found again. */
  timestamp: Date;
  /** Such as `WRITE`, `MERGE`, `OPTIMIZE`. */
  operation: string | undefined;
  operationParameters: Record<string, unknown>;
  /** All that the commit says of itself. */
  info: CommitInfo;
}

/** Which commits {@link history} tells of. */
export interface HistoryOptions {
  /** The newest so many. @default all that the log still has */
  limit?: number;
}

/**
 * What was done to a table, newest first.
 *
 * @throws {TableNotFoundError} when there is no such table
 */
export async function history(
  lake: Lakehouse,
  table: string,
  options: HistoryOptions = {},
): Promise<HistoryEntry[]> {
  await latestSnapshot(lake, table);
  const name = parseTableName(table);
  const times = (await commitTimes(lake, name)).reverse().slice(0, options.limit ?? Infinity);
  return await inBatches(times, (time) => entryOf(lake, name, time));
}

async function entryOf(
  lake: Lakehouse,
  name: TableName,
  { version, timestamp }: { version: number; timestamp: number },
): Promise<HistoryEntry> {
  const actions = await readEntry(lake, name, version) ?? [];
  const info = actions.find((action) => action.commitInfo)?.commitInfo ?? {};
  return {
    version,
    timestamp: new Date(timestamp),
    operation: info.operation,
    operationParameters: info.operationParameters ?? {},
    info,
  };
}

/**
 * Versions that the log has, oldest first, with the time of each in milliseconds. Times grow with
 * the versions whatever the clocks of the writers said.
 */
export async function commitTimes(
  lake: Lakehouse,
  name: TableName,
): Promise<{ version: number; timestamp: number }[]> {
  const entries: { version: number; timestamp: number }[] = [];
  for (const { path, modified } of await lake.storage.list(`${name.folder}/_delta_log`)) {
    const digits = /\/(\d{20})\.json$/.exec(path)?.[1];
    if (digits !== undefined) entries.push({ version: Number(digits), timestamp: modified });
  }
  entries.sort((a, b) => a.version - b.version);
  entries.forEach((entry, index) => {
    const before = entries[index - 1]?.timestamp ?? -Infinity;
    if (entry.timestamp <= before) entry.timestamp = before + 1;
  });
  return entries;
}

/**
 * The version that a table had at a time.
 *
 * @param timestamp milliseconds since the epoch
 * @throws {TableNotFoundError} when the table, or what the log has of it, is younger
 */
export async function versionAt(
  lake: Lakehouse,
  name: TableName,
  timestamp: number,
): Promise<number> {
  const times = await commitTimes(lake, name);
  const found = times.findLast((entry) => entry.timestamp <= timestamp);
  if (found !== undefined) return found.version;
  const first = times[0];
  throw new TableNotFoundError(
    `Table ${name.full} has no version as old as ${
      new Date(timestamp).toISOString()
    }; the oldest is ${
      first === undefined
        ? "gone"
        : `${first.version} of ${new Date(first.timestamp).toISOString()}`
    }.`,
  );
}
