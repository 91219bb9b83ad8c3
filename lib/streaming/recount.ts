import type { Config } from "clickstream/config";
import {
  changesBetween,
  execute,
  type Lakehouse,
  mergeInto,
  records,
  snapshot,
} from "clickstream/lakehouse";
import {
  currentSql,
  expiredSql,
  inferenceColumns,
  inferenceTable,
  type MetricSet,
  metricSets,
  timestampSql,
} from "clickstream/metrics";
import {
  containerOf,
  deleteDocuments,
  documentId,
  documentsSql,
  type OnlineDocument,
  type OnlineStore,
  overwriteDocuments,
  productDocumentsSql,
} from "clickstream/online";
import { lastBatch, runDailyBatch } from "./daily.ts";
import { livePositions } from "./positions.ts";
import { attributesOrderSql } from "./product_attributes.ts";
import { attributeColumns, TABLES } from "./tables.ts";

/** What {@link recountChanged} works on. */
export interface RecountOptions {
  config: Config;
  lake: Lakehouse;
  store: OnlineStore;
}

/** A feature table, and what of it is counted anew. */
interface Recount {
  table: string;
  keys: readonly string[];
  /** SQL of the changed keys' rows as they should be. */
  fresh: string;
  /** SQL condition of rows that have no document. */
  offline: string;
  documents: (rows: string) => string;
}

/** Temporary table with the keys of events that differ. */
const CHANGED = "changed_keys";

/**
 * Counts the features of all keys whose events in silver are others than at a version, and writes
 * them to the `__inference` tables, the product attributes and the online store; keys without events
 * go. No query may be running, and gold must have taken in all of silver before that.
 */
export async function recountChanged(options: RecountOptions, before: number): Promise<void> {
  const { lake, config } = options;
  const { version } = await snapshot(lake, TABLES.silver);
  if (version === before) return;
  const midnight = lastBatch(config).midnight;
  // Moves the last batch on to this version of silver; keys that lost events follow below.
  await runDailyBatch(options, midnight);
  const changes = await changesBetween(lake, TABLES.silver, before, Number(version));
  await execute(
    lake,
    `create or replace temp table ${CHANGED} as
     select distinct user_id, user_session, product_id from ${changes}`,
  );
  try {
    for (const set of metricSets) await recount(options, setRecount(config, set, midnight));
    await recount(options, attributesRecount());
  } finally {
    await execute(lake, `drop table ${CHANGED}`);
  }
}

/** Events of the changed keys. */
function eventsOf(keys: readonly string[]): string {
  return `select * from ${TABLES.silver} semi join ${CHANGED} using (${keys.join(", ")})`;
}

function setRecount(config: Config, set: MetricSet, midnight: Date): Recount {
  const { keys } = set;
  const streamed = set.grain === "event";
  const events = streamed
    ? `(${eventsOf(keys)})`
    : `(select * from (${eventsOf(keys)}) where event_time < ${timestampSql(midnight)})`;
  const columns = inferenceColumns(set).map(({ name }) => {
    if (name === "current_ts") return "cast(now() as timestamp) as current_ts";
    if (name === "version" && !streamed) return `cast(${midnight.getTime()} as bigint) as version`;
    if (name === "event_time" && !streamed) return `${timestampSql(midnight)} as event_time`;
    return name;
  });
  const newest = `select ${keys.join(", ")}, coalesce(max(sequence_number), -1) as version,
    coalesce(arg_max(ingest_ts, sequence_number), timestamp '1970-01-01') as ingest_ts
    from ${events} group by all`;
  const { watermark } = livePositions(config);
  return {
    table: inferenceTable(set),
    keys,
    fresh: `select ${columns.join(", ")} from (${currentSql(set, events)})
      ${streamed ? `join (${newest}) using (${keys.join(", ")})` : ""}`,
    offline: Number.isFinite(watermark)
      ? expiredSql(set, `make_timestamp(${Math.round(watermark)})`)
      : "false",
    documents: (rows) => documentsSql(set, rows),
  };
}

function attributesRecount(): Recount {
  const keys = ["product_id"];
  return {
    table: TABLES.attributes,
    keys,
    fresh: `select ${attributeColumns.map((c) => c.name).join(", ")} from (${eventsOf(keys)})
      qualify row_number() over (partition by product_id order by ${attributesOrderSql}) = 1`,
    offline: "false",
    documents: productDocumentsSql,
  };
}

/** Replaces rows and documents of changed keys by fresh ones; those without any go. */
async function recount({ lake, store }: RecountOptions, recount: Recount): Promise<void> {
  const { table, keys, fresh, offline, documents } = recount;
  const names = keys.join(", ");
  await mergeInto(lake, table, { sql: fresh }, { keys });
  const gone = `select ${names} from ${table} semi join ${CHANGED} using (${names})
    anti join (${fresh}) using (${names})`;
  await mergeInto(lake, table, { sql: gone }, {
    keys,
    whenMatched: { delete: "true", update: { [keys[0]!]: `target.${keys[0]}` } },
    whenNotMatched: "ignore",
  });
  const kept = `(select * from ${table} semi join ${CHANGED} using (${names})
    where not ${offline})`;
  const withdrawn = await records(
    lake,
    `select distinct ${names} from ${CHANGED} anti join ${kept} using (${names})
     where ${keys.map((key) => `${key} is not null`).join(" and ")}`,
  );
  const ids = withdrawn.map((row) => documentId(keys.map((key) => row[key] as bigint | string)));
  await deleteDocuments(containerOf(store, table), ids);
  const rows = await records(lake, documents(kept));
  await overwriteDocuments(containerOf(store, table), rows as OnlineDocument[]);
}
