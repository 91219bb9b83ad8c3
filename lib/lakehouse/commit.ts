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
      throw new ConflictError(
        `Table ${name.full}: another writer completed transaction ${txn.appId} meanwhile: only one process may write as it.`,
      );
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

/** Actions that complete transactions. */
export function txnActions(txns: readonly TransactionId[] = []): Action[] {
  return txns.map((txn) => ({ txn: { ...txn, lastUpdated: Date.now() } }));
}

/** The action that takes a file out; `dataChange` is false when its rows go to another file. */
export function removeAction(file: AddFile, dataChange = true): { remove: RemoveFile } {
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
