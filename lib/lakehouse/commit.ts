import type { Action, AddFile, CommitInfo, RemoveFile } from "./actions.ts";
import { ConflictError } from "./errors.ts";
import { stringifyExact } from "./exactJson.ts";
import { explainFailure } from "./failure.ts";
import type { Lakehouse } from "./lake.ts";
import { entryPath, findSnapshot, readEntry, tableLog } from "./log.ts";
import { parseTableName, type TableName } from "./names.ts";
import { checkWritable } from "./protocol.ts";
import type { Snapshot } from "./snapshot.ts";
import { checkpointWhenDue } from "./writeCheckpoint.ts";

/** A transaction of an application, by which its writes are known again. */
export interface TransactionId {
  appId: string;
  version: number;
  /**
   * Version that the table must name for the application before this one, -1 for none: so that a
   * writer that was replaced without knowing commits nothing more. @default any
   */
  after?: number;
}

/** What every write may carry. */
export interface WriteOptions {
  /** Transactions that the commit completes. @default none */
  txn?: readonly TransactionId[];
  /** What the history calls the commit. @default the operation's name in Delta */
  operation?: string;
}

/** What an operation wants to commit, made from a snapshot. */
export interface Attempt {
  actions: Action[];
  /** For the history. */
  info: CommitInfo;
  /**
   * Whether a file that another writer adds meanwhile could change the result. Without it nothing
   * was read, as in an append, and no added file matters.
   */
  reads?: (file: AddFile) => boolean;
}

const MOST_TRIES = 20;

/**
 * Commits what `make` builds from the newest snapshot. When another writer was faster, the attempt
 * moves to the next version if what the other did does not matter to it; else it is made anew
 * (what it had written is left to vacuum).
 *
 * @param make builds the attempt; null (no table yet) lets it create one
 * @returns the version committed
 * @throws {ConflictError} when others keep being faster, or completed the same transaction
 */
export async function transact(
  lake: Lakehouse,
  table: string,
  make: (snapshot: Snapshot | null) => Promise<Attempt | null>,
): Promise<number> {
  const name = parseTableName(table);
  const log = tableLog(lake, name);
  const turn = log.committing.then(async () => {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const snapshot = await findSnapshot(lake, name);
      const attempt = await make(snapshot);
      if (attempt === null) return snapshot!.version;
      const changes = attempt.actions.some((action) => action.remove?.dataChange);
      if (snapshot !== null) checkWritable(snapshot, changes);
      const version = await putEntry(lake, name, snapshot, attempt);
      if (version !== null) {
        checkpointWhenDue(lake, name, version, snapshot?.properties ?? {});
        return version;
      }
    }
    throw new ConflictError(
      `Table ${name.full}: other writers were faster ${MOST_TRIES} times in a row; try again when they are done.`,
    );
  });
  log.committing = turn.catch(() => {});
  return await turn;
}

/** Puts the attempt's entry at the next free version; null when it has to be made anew. */
async function putEntry(
  lake: Lakehouse,
  name: TableName,
  snapshot: Snapshot | null,
  attempt: Attempt,
): Promise<number | null> {
  const bytes = entryBytes(attempt, snapshot);
  if (snapshot === null) await lake.storage.makeFolder(`${name.folder}/_delta_log`);
  for (let version = (snapshot?.version ?? -1) + 1;; version++) {
    const path = entryPath(name.folder, version);
    const put = lake.storage.putIfAbsent(path, bytes);
    const done = await put.catch((cause) => {
      throw explainFailure(`Table ${name.full}`, cause);
    });
    if (done && snapshot === null) await lake.storage.flush([path]);
    if (done) return version;
    const rival = await readEntry(lake, name, version);
    if (snapshot === null || rival === null || contradicts(name, attempt, rival)) return null;
  }
}

/**
 * Whether another commit changes what an attempt was made from: the rules of the protocol.
 *
 * @throws {ConflictError} when it completed one of the attempt's transactions
 */
function contradicts(name: TableName, attempt: Attempt, rival: readonly Action[]): boolean {
  const transactions = new Set(attempt.actions.map((action) => action.txn?.appId));
  const removed = new Set(attempt.actions.map((action) => action.remove?.path));
  let contradiction = false;
  for (const { txn, metaData, protocol, add, remove } of rival) {
    if (txn && transactions.has(txn.appId)) {
      throw takenOver(name.full, txn.appId);
    }
    contradiction ||= Boolean(metaData || protocol) ||
      (remove !== undefined && removed.has(remove.path)) ||
      (add !== undefined && add.dataChange !== false && (attempt.reads?.(add) ?? false));
  }
  return contradiction;
}

function entryBytes(attempt: Attempt, snapshot: Snapshot | null): Uint8Array {
  const commitInfo: CommitInfo = {
    timestamp: Date.now(),
    ...attempt.info,
    ...(snapshot === null ? {} : { readVersion: snapshot.version }),
    isBlindAppend: attempt.reads === undefined &&
      attempt.actions.every((action) => action.add || action.txn),
    engineInfo: "clickstream",
  };
  const lines = [{ commitInfo }, ...attempt.actions].map((action) => stringifyExact(action) + "\n");
  return new TextEncoder().encode(lines.join(""));
}

/**
 * Actions that complete transactions.
 *
 * @throws {ConflictError} when the snapshot names another version than a transaction follows
 */
function txnActions(
  txns: readonly TransactionId[] = [],
  snapshot: Snapshot | null,
): Action[] {
  return txns.map(({ appId, version, after }) => {
    const found = snapshot?.txns.get(appId) ?? -1;
    if (after !== undefined && found !== after) {
      throw takenOver(snapshot?.table ?? "that is new", appId);
    }
    return { txn: { appId, version, lastUpdated: Date.now() } };
  });
}

function takenOver(table: string, appId: string): ConflictError {
  return new ConflictError(
    `Table ${table}: another writer completed transaction ${appId} meanwhile: only one process may write as it.`,
  );
}

/** What an operation does to a table: some files go, others come. */
export interface Exchange {
  /** What the history calls the commit, unless the options do. */
  operation: string;
  /** For the history. */
  parameters?: Record<string, unknown>;
  /** Actions that say the table's protocol or schema anew. */
  head?: readonly Action[];
  removed?: Iterable<AddFile>;
  added?: readonly AddFile[];
  /** Whether the rows stay the same and only lie in other files. @default false */
  rearranges?: boolean;
  /** See {@link Attempt}. */
  reads?: Attempt["reads"];
}

/**
 * The attempt that makes an exchange in the table as the snapshot has it; null when there is
 * nothing to commit.
 *
 * @throws {ConflictError} as {@link txnActions}
 */
export function exchange(
  change: Exchange,
  snapshot: Snapshot | null,
  options: WriteOptions = {},
): Attempt | null {
  const { head = [], removed = [], added = [], rearranges = false, reads } = change;
  const actions: Action[] = [
    ...head,
    ...txnActions(options.txn, snapshot),
    ...[...removed].map((file) => removeAction(file, !rearranges)),
    ...added.map((add) => ({ add: { ...add, dataChange: !rearranges } })),
  ];
  if (actions.length === 0) return null;
  const info = {
    operation: options.operation ?? change.operation,
    ...(change.parameters === undefined ? {} : { operationParameters: change.parameters }),
  };
  return { actions, info, ...(reads === undefined ? {} : { reads }) };
}

function removeAction(file: AddFile, dataChange: boolean): { remove: RemoveFile } {
  return {
    remove: {
      path: file.path,
      deletionTimestamp: Date.now(),
      dataChange,
      extendedFileMetadata: true,
      partitionValues: file.partitionValues,
      size: file.size,
    },
  };
}
