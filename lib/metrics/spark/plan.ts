import { historySql } from "../history_sql.ts";
import { type MetricSet, metricSets, trainingTable } from "../definition.ts";
import { type MetricColumn, trainingColumns } from "../schema.ts";

/** A table that Spark writes: what {@link sparkPlan} tells `write_tables.py`. */
export interface SparkTable {
  name: string;
  /** Folder or address of the Delta table. */
  path: string;
  description: string;
  /** The query, the same text that DuckDB runs. */
  sql: string;
  columns: MetricColumn[];
}

/** All that `write_tables.py` needs to know; it is written as JSON, so a cluster can be given it. */
export interface SparkPlan {
  /** Delta tables that the queries name. */
  sources: { name: string; path: string }[];
  tables: SparkTable[];
}

/** Where {@link sparkPlan} reads and writes. */
export interface SparkPlanOptions {
  /** Folder or address (`abfss://…`) of the silver table. */
  silver: string;
  /** Folder or address that the five tables lie in. */
  out: string;
  /** Daily values are known up to the midnight before it. @default every day of history counts */
  cutoff?: Date;
}

/** Name of the silver table in the queries. */
const SILVER = "electronics_events_silver";

/** What Spark has to do for the five `__training` tables over the historical events of silver. */
export function sparkPlan(options: SparkPlanOptions): SparkPlan {
  return {
    sources: [{ name: SILVER, path: options.silver }],
    tables: metricSets.map((set) => ({
      name: trainingTable(set),
      path: `${options.out}/${trainingTable(set)}`,
      description: `history of metrics: ${set.description}`,
      sql: historySql(set, historySource(set, options.cutoff)),
      columns: trainingColumns(set),
    })),
  };
}

/** The historical events that a set counts: those that did not come through the hub. */
export function historySource(set: MetricSet, cutoff?: Date): string {
  const conditions = ["partition is null"];
  if (set.grain === "day" && cutoff !== undefined) {
    const day = cutoff.toISOString().slice(0, 10);
    conditions.push(`event_time < timestamp '${day} 00:00:00'`);
  }
  return `(select * from ${SILVER} where ${conditions.join(" and ")})`;
}
