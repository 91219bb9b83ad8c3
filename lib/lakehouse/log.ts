import type { Action } from "./actions.ts";
import { newestCheckpoint, readCheckpoint } from "./checkpoint.ts";
import { CorruptTableError, TableNotFoundError } from "./errors.ts";
import { parseExact } from "./exactJson.ts";
import type { Lakehouse, TableLog } from "./lake.ts";
import { parseTableName, type TableName } from "./names.ts";
import { checkReadable } from "./protocol.ts";
import { applyActions, finishReplay, type Snapshot, startReplay } from "./snapshot.ts";
import { statObject } from "./storage.ts";

/** Path of a version's log entry below the root. */
export function entryPath(folder: string, version: number): string {
  return `${folder}/_delta_log/${String(version).padStart(20, "0")}.json`;
}

/**
 * The table's newest version. Only entries that are new since the last call are read.
 *
 * @throws {TableNotFoundError} when there is no such table
 * @throws {CorruptTableError} when the log has a gap or an unreadable entry
 * @throws {UnsupportedTableError} when the table needs a reader feature that is not here
 */
export async function latestSnapshot(lake: Lakehouse, table: string): Promise<Snapshot> {
  const found = await findSnapshot(lake, parseTableName(table));
  if (found !== null) return found;
  throw new TableNotFoundError(
    `Table ${parseTableName(table).full} does not exist in ${
      lake.storage.locate("")
    }: create it, or check the name.`,
  );
}

/**
 * The snapshot that an operation found.
 *
 * @throws {TableNotFoundError} when it found none
 */
export function existing(table: string, found: Snapshot | null): Snapshot {
  if (found !== null) return found;
  throw new TableNotFoundError(
    `Table ${parseTableName(table).full} does not exist: create it, or check the name.`,
  );
}

/** The table's newest version, or null when there is no such table. */
export async function findSnapshot(lake: Lakehouse, name: TableName): Promise<Snapshot | null> {
  const log = tableLog(lake, name);
  // One refresh at a time; a caller who came during one must not get what it had already read.
  const turn = log.refreshing.then(() => refresh(lake, name, log));
  log.refreshing = turn.catch(() => null);
  return await turn;
}

/** The cached state of a table's log. */
export function tableLog(lake: Lakehouse, name: TableName): TableLog {
  let log = lake.logs.get(name.folder);
  if (log === undefined) {
    log = {
      snapshot: null,
      entry: null,
      refreshing: Promise.resolve(null),
      committing: Promise.resolve(),
      checkpointing: null,
      cleaned: 0,
    };
    lake.logs.set(name.folder, log);
  }
  return log;
}

async function refresh(lake: Lakehouse, name: TableName, log: TableLog): Promise<Snapshot | null> {
  const known = log.snapshot;
  const still = known === null
    ? null
    : await statObject(lake.storage, entryPath(name.folder, known.version));
  const sameLog = still !== null && log.entry !== null && still.modified === log.entry.modified &&
    still.size === log.entry.size;
  const from = sameLog ? known : await loadCheckpoint(lake, name);
  if (!sameLog) await checkNoGap(lake, name, from?.version ?? -1);
  const next = await replayTail(lake, name, from);
  if (next === null) return log.snapshot = log.entry = null;
  if (next !== known) {
    checkReadable(name.full, next.protocol);
    log.entry = await statObject(lake.storage, entryPath(name.folder, next.version));
    log.snapshot = log.entry === null ? next : { ...next, timestamp: log.entry.modified };
  }
  return log.snapshot;
}

/** The snapshot of the newest checkpoint not newer than `upTo`, or null when there is none. */
export async function loadCheckpoint(
  lake: Lakehouse,
  name: TableName,
  upTo: number = Infinity,
): Promise<Snapshot | null> {
  const checkpoint = await newestCheckpoint(lake.storage, name, upTo);
  if (checkpoint === null) return null;
  const replay = startReplay();
  applyActions(replay, await readCheckpoint(lake, name, checkpoint));
  return finishReplay(replay, { ...at(name), version: checkpoint.version, timestamp: 0 });
}

/** Replays the entries after `from`, up to and including `upTo` or the last one there is. */
export async function replayTail(
  lake: Lakehouse,
  name: TableName,
  from: Snapshot | null,
  upTo: number = Infinity,
): Promise<Snapshot | null> {
  let version = from?.version ?? -1;
  let replay = null;
  while (version < upTo) {
    const actions = await readEntry(lake, name, version + 1);
    if (actions === null) break;
    replay ??= startReplay(from ?? undefined);
    applyActions(replay, actions);
    version++;
  }
  if (replay === null) return from;
  return finishReplay(replay, { ...at(name), version, timestamp: 0 }, from ?? undefined);
}

/** The actions of one log entry, or null when there is no such version. */
export async function readEntry(
  lake: Lakehouse,
  name: TableName,
  version: number,
): Promise<Action[] | null> {
  const bytes = await lake.storage.read(entryPath(name.folder, version));
  if (bytes === null) return null;
  try {
    return parseEntry(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new CorruptTableError(
      `Table ${name.full}: log entry ${version} cannot be read (${
        cause instanceof Error ? cause.message : cause
      }): restore _delta_log/${String(version).padStart(20, "0")}.json from a copy.`,
      { cause },
    );
  }
}

function parseEntry(text: string): Action[] {
  const actions: Action[] = [];
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const action = parseExact(line);
    if (action === null || typeof action !== "object") throw new SyntaxError("not an action");
    actions.push(action as Action);
  }
  if (actions.length === 0) throw new SyntaxError("the entry is empty");
  return actions;
}

/**
 * A log of which entries are missing is damaged: going on from before the gap would fork it. Or
 * they stand in a checkpoint of a kind that is not known here.
 */
async function checkNoGap(lake: Lakehouse, name: TableName, from: number): Promise<void> {
  const log = `${name.folder}/_delta_log`;
  const after = entryPath(name.folder, Math.max(from, 0));
  const entries = await lake.storage.list(log, from < 0 ? {} : { after });
  const versions = entries.map((entry) => /\/(\d{20})\.json$/.exec(entry.path)?.[1])
    .filter((digits) => digits !== undefined).map(Number).sort((a, b) => a - b);
  const gap = versions.findIndex((version, index) => version !== from + 1 + index);
  if (gap < 0) return;
  if (entries.some(({ path }) => /\.checkpoint\.[\da-f-]{36}\.(json|parquet)$/.test(path))) {
    const readerFeatures = ["v2Checkpoint"];
    checkReadable(name.full, { minReaderVersion: 3, minWriterVersion: 7, readerFeatures });
  }
  throw new CorruptTableError(
    `Table ${name.full}: log entry ${from + 1 + gap} is missing though ${
      versions[gap]
    } is there and no checkpoint covers it: restore the _delta_log folder from a copy.`,
  );
}

function at(name: TableName): { table: string; folder: string } {
  return { table: name.full, folder: name.folder };
}
