import type { AddFile } from "./actions.ts";
import { TableNotFoundError } from "./errors.ts";
import { type Lakehouse, withSession } from "./lake.ts";
import { versionAt } from "./history.ts";
import { entryPath, latestSnapshot, loadCheckpoint, readEntry, replayTail } from "./log.ts";
import { parseTableName } from "./names.ts";
import { mayMatch, parseCondition } from "./predicate.ts";
import { relationSql } from "./relation.ts";
import type { Snapshot } from "./snapshot.ts";
import { statObject } from "./storage.ts";

/** Which version of a table is meant. */
export interface VersionOptions {
  /** @default the newest */
  version?: number;
  /** The version that was the newest at this time; milliseconds when a number. */
  timestamp?: Date | number;
}

/**
 * A table as it stands at a version.
 *
 * @throws {TableNotFoundError} when there is no such table or version
 */
export async function snapshot(
  lake: Lakehouse,
  table: string,
  options: VersionOptions = {},
): Promise<Snapshot> {
  const newest = await latestSnapshot(lake, table);
  const name = parseTableName(table);
  const version = options.timestamp === undefined
    ? options.version
    : await versionAt(lake, name, Number(options.timestamp));
  if (version === undefined || version === newest.version) return newest;
  const from = await loadCheckpoint(lake, name, version);
  const found = await replayTail(lake, name, from, version);
  const entry = await statObject(lake.storage, entryPath(name.folder, version));
  if (found?.version === version) return { ...found, timestamp: entry?.modified ?? 0 };
  throw new TableNotFoundError(
    `Table ${name.full} has no version ${version}${
      version < newest.version ? " any more" : ""
    }; the newest is ${newest.version}.`,
  );
}

/** SQL of a relation that is the table at one version, whatever is committed later. */
export async function tableAt(
  lake: Lakehouse,
  table: string,
  options: VersionOptions,
): Promise<string> {
  return relationSql(lake, await snapshot(lake, table, options));
}

/**
 * SQL of a relation with the rows of a table's newest version for which a condition is true. Only
 * files that can hold one are named in it, so that it costs the same however long the history is.
 *
 * @param where what stands after WHERE, such as `date_ts = '20101201_08'`
 * @throws {TableNotFoundError} when there is no such table
 * @throws {SchemaError} when `where` is not a condition
 */
export async function tableWhere(lake: Lakehouse, table: string, where: string): Promise<string> {
  return await withSession(lake, async (session) => {
    const condition = await parseCondition(session, where);
    const found = await latestSnapshot(lake, table);
    const files = [...found.files.values()].filter((file) => mayMatch(found, file, condition));
    return `(SELECT * FROM ${relationSql(lake, found, { files })} WHERE (${where}\n))`;
  });
}

/**
 * SQL of a relation with the rows of all files that commits added after version `from`, up to and
 * including `to`: the new rows of a table that is only appended to.
 */
export async function addedBetween(
  lake: Lakehouse,
  table: string,
  from: number,
  to: number,
): Promise<string> {
  const name = parseTableName(table);
  const files: AddFile[] = [];
  for (let version = from + 1; version <= to; version++) {
    const actions = await readEntry(lake, name, version);
    if (actions === null) throw missing(name.full, version);
    for (const { add } of actions) if (add?.dataChange) files.push(add);
  }
  return relationSql(lake, await snapshot(lake, table, { version: to }), { files });
}

function missing(table: string, version: number): TableNotFoundError {
  return new TableNotFoundError(
    `Table ${table}: the log has no entry ${version} (any more), so its changes cannot be told.`,
  );
}
