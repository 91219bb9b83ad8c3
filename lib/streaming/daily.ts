import type { Config } from "clickstream/config";
import { addedBetween, type Lakehouse, mergeInto, records, snapshot } from "clickstream/lakehouse";
import {
  currentSql,
  dailySets,
  inferenceColumns,
  inferenceTable,
  metricColumns,
  type MetricSet,
  timestampSql,
} from "clickstream/metrics";
import {
  containerOf,
  documentsSql,
  type OnlineDocument,
  type OnlineStore,
  publishDocuments,
} from "clickstream/online";
import { StreamError } from "./errors.ts";
import { midnightBefore } from "./history.ts";
import { readQuery } from "./query_files.ts";
import {
  type DailyFile,
  type HistoryFile,
  readState,
  streamFiles,
  writeState,
} from "./state_file.ts";
import { TABLES } from "./tables.ts";

/** What a daily batch works on. */
export interface DailyOptions {
  config: Config;
  lake: Lakehouse;
  store: OnlineStore;
}

/** What one daily batch did. */
export interface DailyResult {
  midnight: Date;
  /** Rows changed or added, by table. */
  changed: Record<string, number>;
}

const DAY_MILLIS = 86_400_000;

/**
 * Midnights that the streaming query's watermark has passed and no batch has taken in, oldest
 * first.
 *
 * @throws {StreamError} when history was not published
 */
export function dueMidnights(config: Config): Date[] {
  const watermark = readQuery(config)?.watermark ?? null;
  if (watermark === null) return [];
  const due: Date[] = [];
  let next = lastBatch(config).midnight.getTime() + DAY_MILLIS;
  for (; watermark > next * 1000; next += DAY_MILLIS) due.push(new Date(next));
  return due;
}

/**
 * Runs the batch of one midnight: the daily sets of every key that may have changed are counted
 * anew over the events before it; changed and new rows are merged and published. A batch that was
 * interrupted is simply run again.
 */
export async function runDailyBatch(options: DailyOptions, midnight: Date): Promise<DailyResult> {
  const { config, lake, store } = options;
  const last = lastBatch(config);
  const { version } = await snapshot(lake, TABLES.silver);
  const changed: Record<string, number> = {};
  for (const set of dailySets) {
    const sql = await batchSql(lake, set, last, Number(version), midnight);
    await mergeInto(lake, inferenceTable(set), { sql }, {
      keys: [...set.keys],
    });
    changed[inferenceTable(set)] = await publishBatch(lake, store, set, midnight);
  }
  writeState<DailyFile>(streamFiles(config).daily, {
    midnight: midnight.toISOString(),
    silverVersion: Number(version),
  });
  return { midnight, changed };
}

/** The last batch; before the first one, the seeding at the cutoff. */
export function lastBatch(config: Config): { midnight: Date; silverVersion: number } {
  const files = streamFiles(config);
  const daily = readState<DailyFile>(files.daily);
  if (daily !== null) return { ...daily, midnight: new Date(daily.midnight) };
  const history = readState<HistoryFile>(files.history);
  if (history === null) {
    throw new StreamError(
      "There is no history to go on from: run 1a_publish_historical_data first.",
    );
  }
  return {
    midnight: midnightBefore(new Date(history.cutoff)),
    silverVersion: history.silverVersion,
  };
}

/**
 * SQL of the rows that a batch changes: keys of events that silver took in since the last batch
 * (late ones among them), and of events since the last midnight, which the last batch may have
 * seen but did not count.
 */
async function batchSql(
  lake: Lakehouse,
  set: MetricSet,
  last: { midnight: Date; silverVersion: number },
  version: number,
  midnight: Date,
): Promise<string> {
  const keys = set.keys.join(", ");
  const arrived = await addedBetween(lake, TABLES.silver, last.silverVersion, version);
  const before = `event_time < ${timestampSql(midnight)}`;
  const counted = `(select * from ${TABLES.silver} where ${before} and (${keys}) in (
    select (${keys}) from ${arrived} where ${before}
    union select (${keys}) from ${TABLES.silver}
      where ${before} and event_time >= ${timestampSql(last.midnight)}))`;
  const columns = inferenceColumns(set).map(({ name }) => {
    if (name === "event_time") return `${timestampSql(midnight)} as event_time`;
    if (name === "current_ts") return "cast(now() as timestamp) as current_ts";
    if (name === "version") return `cast(${midnight.getTime()} as bigint) as version`;
    return `fresh.${name}`;
  });
  const differs = metricColumns.map((c) => `fresh.${c} is distinct from held.${c}`).join(" or ");
  return `select ${columns.join(", ")} from (${currentSql(set, counted)}) as fresh
    left join ${inferenceTable(set)} as held using (${keys})
    where ${differs}`;
}

/** Publishes what the batch of this midnight wrote. */
async function publishBatch(
  lake: Lakehouse,
  store: OnlineStore,
  set: MetricSet,
  midnight: Date,
): Promise<number> {
  const table = inferenceTable(set);
  const rows = `(select * from ${table} where version = ${midnight.getTime()})`;
  const documents = await records(lake, documentsSql(set, rows)) as OnlineDocument[];
  await publishDocuments(
    containerOf(store, table),
    documents.map((document) => ({ document, mayExist: true })),
  );
  return documents.length;
}
