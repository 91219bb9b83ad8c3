import type { Config } from "clickstream/config";
import {
  deleteFrom,
  type Lakehouse,
  listTables,
  records,
  snapshot,
  vacuum,
} from "clickstream/lakehouse";
import { inferenceTable, metricSet, metricSets, trainingTable } from "clickstream/metrics";
import { containerOf, deleteDocuments, documentIdsOf, type OnlineStore } from "clickstream/online";
import { lastBatch, runDailyBatch } from "./daily.ts";
import { StreamError } from "./errors.ts";
import { withoutUser } from "./forget_products.ts";
import { hubEnds, openProducer } from "./hub.ts";
import { withLiveHalfStopped } from "./live_lock.ts";
import { countRequeued } from "./requeue.ts";
import { readQuery } from "./query_files.ts";
import {
  type DailyFile,
  readState,
  type RebuildFile,
  type ReplayFile,
  streamFiles,
  writeState,
} from "./state_file.ts";
import { TABLES } from "./tables.ts";

/** What {@link forgetUser} works on. */
export interface ForgetOptions {
  config: Config;
  lake: Lakehouse;
  store: OnlineStore;
  /** Connection string with EntityPath. */
  connectionString: string;
  user: bigint;
}

/** What is gone: rows by table, documents by container. */
export interface Forgotten {
  rows: Record<string, number>;
  documents: Record<string, number>;
}

/**
 * Erases a user: all rows and documents that name them, and what they added to products' counts
 * and attributes, which are counted anew from the events left. Old versions of the tables touched
 * go too. Interrupted, it is simply run again. The hub's own log is append-only and lets events go
 * when its retention is over; files that events were read from are not touched.
 *
 * @throws {StreamError} while the live half runs, or the hub holds messages that no query has read
 */
export async function forgetUser(options: ForgetOptions): Promise<Forgotten> {
  return await withLiveHalfStopped(options.config, "deno task forget", () => forget(options));
}

async function forget(options: ForgetOptions): Promise<Forgotten> {
  const { config, lake, store, user } = options;
  await checkQuiet(options);
  // Takes in what arrived late since the last batch: old versions of silver are gone afterwards.
  await runDailyBatch(options, lastBatch(config).midnight);
  await withoutUser(options);
  const documents: Record<string, number> = {};
  for (const set of metricSets.filter((set) => set.keys.includes("user_id"))) {
    const ids = await documentIdsOf(store, inferenceTable(set), user);
    await deleteDocuments(containerOf(store, inferenceTable(set)), ids);
    documents[inferenceTable(set)] = ids.length;
  }
  const rows: Record<string, number> = {};
  for (const { table, condition } of await personalRows(lake, user)) {
    if (table === TABLES.bronze) await noteErased(config, lake, condition);
    const [row] = await records(lake, `select count(*) as n from ${table} where ${condition}`);
    rows[table] = Number(row!.n);
    if (rows[table] > 0) await deleteFrom(lake, table, condition);
  }
  await forgetVersions(config, lake, Object.keys(rows));
  return { rows, documents };
}

/** Tables with rows of a user, silver last: bronze is found through it. */
async function personalRows(lake: Lakehouse, user: bigint) {
  const found: { table: string; condition: string }[] = [];
  for (const table of await listTables(lake)) {
    const { fields } = await snapshot(lake, table);
    if (fields.some((field) => field.name === "user_id") && table !== TABLES.silver) {
      found.push({ table, condition: `user_id = ${user}` });
    }
  }
  const named = `'"user_id"\\s*:\\s*"?${user}"?\\s*[,}]'`;
  return [
    ...found,
    { table: TABLES.rejected, condition: `regexp_matches(body, ${named})` },
    {
      table: TABLES.bronze,
      condition: `((partition, sequence_number) in (select (partition, sequence_number)
        from ${TABLES.silver} where user_id = ${user} and partition is not null)
        or regexp_matches(body, ${named}))`,
    },
    { table: TABLES.silver, condition: `user_id = ${user}` },
  ];
}

/** So that counts go on to tie: what was sent is what bronze holds and what was erased of it. */
async function noteErased(config: Config, lake: Lakehouse, condition: string): Promise<void> {
  const { replay } = streamFiles(config);
  const file = readState<ReplayFile>(replay);
  if (file === null) return;
  const [row] = await records(
    lake,
    `select count(*) as n from ${TABLES.bronze} where (${condition}) is not true`,
  );
  const erased = file.sent + await countRequeued(lake) - Number(row!.n);
  writeState<ReplayFile>(replay, { ...file, erased });
}

/** Removes what old versions hold, and lets the next daily batch go on from the newest. */
async function forgetVersions(config: Config, lake: Lakehouse, touched: string[]): Promise<void> {
  const { version } = await snapshot(lake, TABLES.silver);
  writeState<DailyFile>(streamFiles(config).daily, {
    midnight: lastBatch(config).midnight.toISOString(),
    silverVersion: Number(version),
  });
  const product = metricSet("product");
  const recounted = [inferenceTable(product), trainingTable(product), TABLES.attributes];
  for (const table of [...touched, ...recounted]) {
    await vacuum(lake, table, { retentionHours: 0, allowShortRetention: true });
  }
}

async function checkQuiet({ config, connectionString }: ForgetOptions): Promise<void> {
  if (readState<RebuildFile>(streamFiles(config).rebuild) !== null) {
    throw new StreamError("A rebuild was cut off: run deno task rebuild -- --write first.");
  }
  const committed = readQuery(config)?.committed ?? {};
  const producer = openProducer({ connectionString });
  try {
    const unread = [...await hubEnds(producer)]
      .reduce((sum, [p, end]) => sum + Math.max(0, end - (committed[p] ?? -1)), 0);
    if (unread === 0) return;
    throw new StreamError(
      `The hub holds ${unread} messages that would come in later: run 2b to its end first.`,
    );
  } finally {
    await producer.close();
  }
}
