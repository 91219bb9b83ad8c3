import type { Action, AddFile, MetaData, Protocol, RemoveFile } from "./actions.ts";
import { CorruptTableError } from "./errors.ts";
import { type Column, type Field, parseSchema, toColumns } from "./schema.ts";

/** A table as it stands at one version. Never changes once made. */
export interface Snapshot {
  /** The table's name, such as `clickstream.electronics_user_metrics__training`. */
  table: string;
  /** The table's folder below the lakehouse's root. */
  folder: string;
  version: number;
  /** When the version was committed, in milliseconds since the epoch. */
  timestamp: number;
  protocol: Protocol;
  metadata: MetaData;
  /** Columns as people declare them. */
  schema: readonly Column[];
  /** Columns as the log writes them. */
  fields: readonly Field[];
  partitionColumns: readonly string[];
  properties: Readonly<Record<string, string>>;
  description: string | undefined;
  /** Data files by path. */
  files: ReadonlyMap<string, AddFile>;
  /** Newest version of every application that writes with transactions. */
  txns: ReadonlyMap<string, number>;
  /** Files taken out whose data may still be there, by path. */
  tombstones: ReadonlyMap<string, RemoveFile>;
}

/** What replaying the log collects. */
export interface Replay {
  protocol: Protocol | undefined;
  metadata: MetaData | undefined;
  files: Map<string, AddFile>;
  txns: Map<string, number>;
  tombstones: Map<string, RemoveFile>;
}

/** A replay that goes on from a snapshot, or from nothing. The snapshot is not changed. */
export function startReplay(from?: Snapshot): Replay {
  return {
    protocol: from?.protocol,
    metadata: from?.metadata,
    files: new Map(from?.files),
    txns: new Map(from?.txns),
    tombstones: new Map(from?.tombstones),
  };
}

/** Applies the actions of one commit or checkpoint. */
export function applyActions(replay: Replay, actions: Iterable<Action>): void {
  const added: AddFile[] = [];
  for (const action of actions) {
    if (action.add) added.push(action.add);
    else if (action.remove) {
      replay.files.delete(action.remove.path);
      replay.tombstones.set(action.remove.path, action.remove);
    } else if (action.txn) replay.txns.set(action.txn.appId, action.txn.version);
    else if (action.metaData) replay.metadata = action.metaData;
    else if (action.protocol) replay.protocol = action.protocol;
  }
  for (const add of added) {
    replay.files.set(add.path, add);
    replay.tombstones.delete(add.path);
  }
}

/**
 * The snapshot that a replay has come to.
 *
 * @throws {CorruptTableError} when the log never said the protocol or the schema
 */
export function finishReplay(
  replay: Replay,
  at: { table: string; folder: string; version: number; timestamp: number },
  previous?: Snapshot,
): Snapshot {
  const { protocol, metadata } = replay;
  if (protocol === undefined || metadata === undefined) {
    throw new CorruptTableError(
      `Table ${at.table}: the log up to version ${at.version} has no ${
        protocol === undefined ? "protocol" : "metaData"
      } action: restore the _delta_log folder from a copy.`,
    );
  }
  const same = previous?.metadata === metadata ? previous : undefined;
  const fields = same?.fields ?? parseSchema(metadata.schemaString);
  return {
    ...at,
    protocol,
    metadata,
    fields,
    schema: same?.schema ?? toColumns(fields),
    partitionColumns: metadata.partitionColumns,
    properties: metadata.configuration ?? {},
    description: metadata.description,
    files: replay.files,
    txns: replay.txns,
    tombstones: replay.tombstones,
  };
}
