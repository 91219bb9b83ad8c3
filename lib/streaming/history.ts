import { type Config } from "clickstream/config";
import { type Lakehouse, overwriteTable, records, snapshot } from "clickstream/lakehouse";
import {
  currentSql,
  historySql,
  inferenceColumns,
  inferenceTable,
  type MetricSet,
  metricSets,
  timestampSql,
  trainingColumns,
  trainingTable,
} from "clickstream/metrics";
import { type HistoryFile, streamFiles, writeState } from "./state_file.ts";
import { featureProperties } from "./feature_tables.ts";
import { attributesOrderSql } from "./product_attributes.ts";
import { attributeColumns, createLiveTables, TABLES } from "./tables.ts";
import { readStaged } from "./staging.ts";

/** Silver events of history: those that did not come through the hub. */
export const HISTORY = `(select * from ${TABLES.silver} where partition is null)`;

/** Rows of each table that {@link publishHistory} wrote. */
export type PublishedRows = Record<string, number>;

/**
 * Builds everything that follows from staged history: silver, the five `__training` tables, the
 * five `__inference` tables and electronics_product_attributes as they stood at the cutoff.
 * The live half must have been reset: its state goes on from here.
 *
 * @param onTable called as each table begins
 */
export async function publishHistory(
  lake: Lakehouse,
  config: Config,
  onTable: (table: string) => void = () => {},
): Promise<PublishedRows> {
  const { cutoff } = await readStaged(lake);
  await createLiveTables(lake);
  onTable(TABLES.silver);
  await overwriteTable(lake, TABLES.silver, { sql: historicalSilverSql() });
  for (const set of metricSets) {
    onTable(trainingTable(set));
    await overwriteTable(lake, trainingTable(set), { sql: trainingSql(set, cutoff) }, {
      columns: trainingColumns(set),
      description: `history of metrics: ${set.description}`,
      properties: featureProperties(set, "training"),
    });
    onTable(inferenceTable(set));
    await overwriteTable(lake, inferenceTable(set), { sql: inferenceSql(set, cutoff) });
  }
  onTable(TABLES.attributes);
  await overwriteTable(lake, TABLES.attributes, { sql: attributesSql() });
  await writeHistoryFile(lake, config, cutoff);
  return await countRows(lake);
}

/** Midnight at the start of the cutoff's day: daily values are known up to there. */
export function midnightBefore(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 86_400_000) * 86_400_000);
}

/** Events of history that a set's values at the cutoff count. */
function countedHistory(set: MetricSet, cutoff: Date): string {
  if (set.grain === "event") return HISTORY;
  return `(select * from ${TABLES.silver} where partition is null and event_time < ${
    timestampSql(midnightBefore(cutoff))
  })`;
}

function historicalSilverSql(): string {
  return `select event_time, event_type, product_id, category_id, category_code, brand, price,
    user_id, user_session, false as is_late, cast(null as integer) as partition,
    cast(null as bigint) as sequence_number, timestamp '1970-01-01' as ingest_ts,
    cast(now() as timestamp) as current_ts
  from ${TABLES.staged} where data_set = 'historical' order by event_time, staged_row`;
}

function trainingSql(set: MetricSet, cutoff: Date): string {
  return historySql(set, countedHistory(set, cutoff));
}

function inferenceSql(set: MetricSet, cutoff: Date): string {
  const columns = inferenceColumns(set).map(({ name }) => {
    if (name === "ingest_ts") return "timestamp '1970-01-01' as ingest_ts";
    if (name === "current_ts") return "cast(now() as timestamp) as current_ts";
    if (name !== "version") return name;
    return set.grain === "event"
      ? "cast(-1 as bigint) as version"
      : "epoch_ms(event_time) as version";
  });
  return `select ${columns.join(", ")} from (${currentSql(set, countedHistory(set, cutoff))})`;
}

function attributesSql(): string {
  return `select ${attributeColumns.map((c) => c.name).join(", ")} from ${HISTORY}
  qualify row_number() over (partition by product_id order by ${attributesOrderSql}) = 1`;
}

async function writeHistoryFile(lake: Lakehouse, config: Config, cutoff: Date): Promise<void> {
  const [row] = await records(
    lake,
    `select epoch_us(max(event_time)) as newest from ${TABLES.silver}`,
  );
  const { version } = await snapshot(lake, TABLES.silver);
  writeState<HistoryFile>(streamFiles(config).history, {
    cutoff: cutoff.toISOString(),
    newestEventTime: row!.newest === null ? null : Number(row!.newest),
    silverVersion: Number(version),
  });
}

async function countRows(lake: Lakehouse): Promise<PublishedRows> {
  const tables = [
    TABLES.silver,
    ...metricSets.flatMap((set) => [trainingTable(set), inferenceTable(set)]),
    TABLES.attributes,
  ];
  const counts = tables.map((table) => `select '${table}' as name, count(*) as n from ${table}`);
  const rows = await records(lake, counts.join(" union all "));
  return Object.fromEntries(rows.map((row) => [String(row.name), Number(row.n)]));
}
