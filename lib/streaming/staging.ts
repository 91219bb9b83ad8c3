import { type Lakehouse, overwriteTable, records, snapshot } from "clickstream/lakehouse";
import { EVENT_COLUMNS } from "clickstream/events";
import { timestampSql } from "clickstream/metrics";
import type { DuckDBConnection } from "@duckdb/node-api";
import { StreamError } from "./errors.ts";
import { stagedColumns, TABLES } from "./tables.ts";

/** What staged_events holds. */
export interface Staged {
  /** Historical is what happened before it. */
  cutoff: Date;
  /** Rows by data set. */
  historical: number;
  realTime: number;
}

/** What is staged, and where history ends. */
export interface StageOptions {
  /** Connection that holds `relation`. */
  connection: DuckDBConnection;
  /** A relation with the nine event columns and `source_row`. */
  relation: string;
  /** Where history ends; null takes the moment at 80 % of the time span. */
  cutoff: Date | null;
}

const CUTOFF_PROPERTY = "clickstream.cutoff";

/**
 * Writes staged_events anew: every event, in the order of its time, as historical or real-time.
 *
 * @throws {StreamError} when there are no events, or none before the cutoff
 */
export async function stageEvents(lake: Lakehouse, options: StageOptions): Promise<Staged> {
  const { connection, relation } = options;
  const cutoff = options.cutoff ?? await cutoffAt80Percent(connection, relation);
  const names = EVENT_COLUMNS.map((column) => column.name).join(", ");
  await overwriteTable(lake, TABLES.staged, {
    connection,
    sql: `select ${names},
      case when event_time < ${
      timestampSql(cutoff)
    } then 'historical' else 'real-time' end as data_set,
      row_number() over (order by event_time, source_row) as staged_row
    from ${relation} order by event_time, source_row`,
  }, {
    columns: stagedColumns,
    properties: { [CUTOFF_PROPERTY]: cutoff.toISOString() },
    description: "all events of the source, split at the cutoff",
  });
  return await readStaged(lake);
}

/**
 * What staged_events holds.
 *
 * @throws {StreamError} when nothing was staged yet
 */
export async function readStaged(lake: Lakehouse): Promise<Staged> {
  const { properties } = await snapshot(lake, TABLES.staged).catch((cause) => {
    throw new StreamError("No events are staged yet: run 0b_prepare_data first.", { cause });
  });
  const [row] = await records(
    lake,
    `select count_if(data_set = 'historical') as historical,
       count_if(data_set = 'real-time') as real_time from ${TABLES.staged}`,
  );
  return {
    cutoff: new Date(properties[CUTOFF_PROPERTY]!),
    historical: Number(row!.historical),
    realTime: Number(row!.real_time),
  };
}

async function cutoffAt80Percent(connection: DuckDBConnection, relation: string): Promise<Date> {
  const reader = await connection.runAndReadAll(
    `select epoch_us(min(event_time)) as first, epoch_us(max(event_time)) as last from ${relation}`,
  );
  const [first, last] = reader.getRows()[0]!;
  if (first === null || last === null) throw new StreamError("There are no events to stage.");
  const micros = Number(first) + (Number(last) - Number(first)) * 0.8;
  return new Date(Math.floor(micros / 1_000_000) * 1000);
}
