import { join } from "node:path";
import type { Action } from "./actions.ts";
import { checkpointPath, listCheckpoints } from "./checkpoint.ts";
import { stringifyExact } from "./exactJson.ts";
import { intervalOf } from "./intervals.ts";
import { type Lakehouse, withSession } from "./lake.ts";
import { entryPath, findSnapshot, latestSnapshot, tableLog } from "./log.ts";
import { parseTableName, type TableName } from "./names.ts";
import { quoteText } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";
import { statObject } from "./storage.ts";

const TEXT_MAP = "MAP(VARCHAR, VARCHAR)";

/** Few, so that the groups of a table of thousands of files are read by several cores. */
const ACTIONS_PER_GROUP = 4096;

/** The columns of a checkpoint, as the protocol has them. */
const COLUMNS: Record<string, string> = {
  protocol:
    "STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER, readerFeatures VARCHAR[], writerFeatures VARCHAR[])",
  metaData:
    `STRUCT(id VARCHAR, name VARCHAR, description VARCHAR, format STRUCT(provider VARCHAR, options ${TEXT_MAP}), schemaString VARCHAR, partitionColumns VARCHAR[], configuration ${TEXT_MAP}, createdTime BIGINT)`,
  txn: "STRUCT(appId VARCHAR, version BIGINT, lastUpdated BIGINT)",
  add:
    `STRUCT(path VARCHAR, partitionValues ${TEXT_MAP}, size BIGINT, modificationTime BIGINT, dataChange BOOLEAN, stats VARCHAR, tags ${TEXT_MAP})`,
  remove:
    `STRUCT(path VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN, extendedFileMetadata BOOLEAN, partitionValues ${TEXT_MAP}, size BIGINT)`,
};

/**
 * Writes a checkpoint of the table's newest version, so that readers need not replay its log.
 * Happens by itself every 10 commits (property `delta.checkpointInterval`).
 *
 * @returns the version that the checkpoint holds
 * @throws {TableNotFoundError} when there is no such table
 */
export async function checkpoint(lake: Lakehouse, table: string): Promise<number> {
  const snapshot = await latestSnapshot(lake, table);
  await writeCheckpoint(lake, snapshot);
  return snapshot.version;
}

/** Starts a checkpoint when the version just committed is due for one; nobody waits for it. */
export function checkpointWhenDue(
  lake: Lakehouse,
  name: TableName,
  version: number,
  properties: Readonly<Record<string, string>>,
): void {
  const interval = Number(properties["delta.checkpointInterval"] ?? 10);
  const log = tableLog(lake, name);
  if (version === 0 || !(interval > 0) || version % interval !== 0 || log.checkpointing) return;
  // A checkpoint only saves time: when it fails, readers replay the log instead.
  const work = checkpointInBackground(lake, name).catch(() => {});
  log.checkpointing = work;
  lake.background.add(work);
  void work.then(() => {
    log.checkpointing = null;
    lake.background.delete(work);
  });
}

async function checkpointInBackground(lake: Lakehouse, name: TableName): Promise<void> {
  const snapshot = await findSnapshot(lake, name);
  if (snapshot === null) return;
  await writeCheckpoint(lake, snapshot);
  const log = tableLog(lake, name);
  if (Date.now() - log.cleaned < HOUR) return;
  log.cleaned = Date.now();
  await cleanLog(lake, snapshot);
}

const HOUR = 3_600_000;

async function writeCheckpoint(lake: Lakehouse, snapshot: Snapshot): Promise<void> {
  const actions = checkpointActions(snapshot);
  const lines = join(lake.scratch, `${crypto.randomUUID()}.json`);
  const parquet = `${lines}.parquet`;
  try {
    await Deno.writeTextFile(
      lines,
      actions.map((action) => stringifyExact(action) + "\n").join(""),
    );
    const columns = Object.entries(COLUMNS).map(([name, type]) => `${name}: ${quoteText(type)}`);
    await withSession(lake, (session) =>
      session.connection.run(
        `COPY (SELECT * FROM read_json(${quoteText(lines)}, format = 'newline_delimited',
           maximum_object_size = 268435456, columns = {${columns.join(", ")}}))
         TO ${quoteText(parquet)}
         (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE ${ACTIONS_PER_GROUP})`,
      ));
    const bytes = await Deno.readFile(parquet);
    await lake.storage.write(checkpointPath(snapshot.folder, snapshot.version), bytes);
    const hint = {
      version: snapshot.version,
      size: actions.length,
      sizeInBytes: bytes.length,
      numOfAddFiles: snapshot.files.size,
    };
    await lake.storage.write(
      `${snapshot.folder}/_delta_log/_last_checkpoint`,
      new TextEncoder().encode(JSON.stringify(hint)),
    );
  } finally {
    await Deno.remove(lines).catch(() => {});
    await Deno.remove(parquet).catch(() => {});
  }
}

/** Everything that readers need of a version: no commit infos, no removals past their time. */
function checkpointActions(snapshot: Snapshot): Action[] {
  const kept = intervalOf(
    snapshot.properties,
    "delta.deletedFileRetentionDuration",
    "interval 7 days",
  );
  const since = Date.now() - kept;
  const removals = [...snapshot.tombstones.values()].filter((remove) =>
    (remove.deletionTimestamp ?? 0) > since
  );
  return [
    { protocol: snapshot.protocol },
    { metaData: snapshot.metadata },
    ...[...snapshot.txns].map(([appId, version]) => ({ txn: { appId, version } })),
    ...[...snapshot.files.values()].map((add) => ({ add: { ...add, dataChange: false } })),
    ...removals.map((remove) => ({ remove: { ...remove, dataChange: false } })),
  ];
}

/**
 * Removes log entries and checkpoints that are older than the table's property
 * `delta.logRetentionDuration` (30 days) and that a newer checkpoint covers. Happens by itself
 * with checkpoints, at most hourly.
 *
 * @returns the number of log files removed
 * @throws {TableNotFoundError} when there is no such table
 */
export async function cleanUpLog(lake: Lakehouse, table: string): Promise<number> {
  return await cleanLog(lake, await latestSnapshot(lake, parseTableName(table).full));
}

async function cleanLog(lake: Lakehouse, snapshot: Snapshot): Promise<number> {
  const { folder, properties } = snapshot;
  if (properties["delta.enableExpiredLogCleanup"] === "false") return 0;
  const kept = intervalOf(properties, "delta.logRetentionDuration", "interval 30 days");
  const until = Date.now() - kept;
  let covered = -1;
  for (const { version } of await listCheckpoints(lake.storage, folder)) {
    const entry = await statObject(lake.storage, entryPath(folder, version));
    if (entry !== null && entry.modified < until) covered = version;
  }
  let removed = 0;
  for (const file of await lake.storage.list(`${folder}/_delta_log`)) {
    const digits = /\/(\d{20})\.(?:json|checkpoint\.[^/]*)$/.exec(file.path)?.[1];
    if (digits === undefined || Number(digits) >= covered || file.modified >= until) continue;
    await lake.storage.delete(file.path);
    removed++;
  }
  return removed;
}
