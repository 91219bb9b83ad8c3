import type { DuckDBConnection } from "@duckdb/node-api";
import { join } from "node:path";
import { allEnded, type Config, homePaths } from "clickstream/config";
import {
  closeLakehouse,
  type Lakehouse,
  openLakehouse,
  overwriteTable,
  tableWhere,
} from "clickstream/lakehouse";
import { type Journal, openJournal } from "./journal.ts";
import { setUp } from "./tables.ts";

/** How the pipeline is opened. */
export interface PipelineOptions {
  /** Users in a ranking. @default 10 */
  topSpenders?: number;
  /** Called before each commit with the table's name. @default nothing */
  onCommit?: (table: string) => void;
}

/** The open second pipeline: tables, landing zone, journal, and an engine for its steps. */
export interface Pipeline {
  lake: Lakehouse;
  /** Folder of the landing zone. */
  landing: string;
  /** Folder of what is kept beside the tables: ground truth, mailings. */
  folder: string;
  journal: Journal;
  topSpenders: number;
  /** The steps' own connection. What they make lies in the schema `unit`, seen by all. */
  connection: DuckDBConnection;
  onCommit: (table: string) => void;
  /** Writes under way, by table. */
  writing: Map<string, Promise<unknown>>;
}

/** Opens the pipeline of a home and sets up what is not there yet. */
export async function openPipeline(
  config: Pick<Config, "home">,
  options: PipelineOptions = {},
): Promise<Pipeline> {
  const folder = join(config.home, "marketing");
  const lake = await openLakehouse(homePaths(config).lakehouse);
  await setUp(lake);
  const connection = await lake.connect();
  await connection.run("ATTACH ':memory:' AS unit");
  return {
    lake,
    landing: join(folder, "landing"),
    folder,
    journal: openJournal(join(folder, "coordinator.sqlite")),
    topSpenders: options.topSpenders ?? 10,
    connection,
    onCommit: options.onCommit ?? (() => {}),
    writing: new Map(),
  };
}

/** Closes tables, journal and engine. */
export async function closePipeline(pipeline: Pipeline): Promise<void> {
  await Promise.allSettled(pipeline.writing.values());
  pipeline.journal.close();
  pipeline.connection.closeSync();
  await closeLakehouse(pipeline.lake);
}

/** Hours that are processed together, and what their steps have made so far. */
export interface Unit {
  /** `YYYYMMDD_HH`, sorted. */
  hours: readonly string[];
  /** Whether one of the hours was begun before: then its rows may be there already. */
  again: boolean;
  /** Names of the tables `unit.…` that are made already. */
  made: Set<string>;
  /**
   * Hits and invoice lines in `unit.new_hits` and `unit.new_sales`, when these are all that the
   * raw tables have of the unit; null when only the raw tables tell.
   */
  brought: { hits: number; sales: number } | null;
}

/** A unit of hours, at its first step. */
export function unitOf(hours: readonly string[], again = true): Unit {
  return { hours: [...new Set(hours)].sort(), again, made: new Set(), brought: null };
}

/** Makes the table `unit.<name>` from a query. */
export async function stage(pipeline: Pipeline, name: string, sql: string): Promise<void> {
  await pipeline.connection.run(`CREATE OR REPLACE TABLE unit.${name} AS ${sql}`);
}

/** Rows of a query, as arrays of plain values. */
export async function rowsOf(pipeline: Pipeline, sql: string): Promise<unknown[][]> {
  return (await pipeline.connection.runAndReadAll(sql)).getRowsJS() as unknown[][];
}

/** The first column of a query. */
export async function listOf<T = string>(pipeline: Pipeline, sql: string): Promise<T[]> {
  return (await rowsOf(pipeline, sql)).map(([value]) => value as T);
}

/**
 * A relation with the rows of a table that fulfil a condition, reading only files that can. A write
 * under way is waited for.
 */
export async function read(pipeline: Pipeline, table: string, where: string): Promise<string> {
  await pipeline.writing.get(table);
  return await tableWhere(pipeline.lake, table, where);
}

/**
 * Begins to replace the rows of a table that fulfil a condition by all rows of `unit.<staged>`, in
 * one commit; without rows on either side there is none. {@link settle} waits for it, and so does
 * whoever reads the table.
 */
export function replaceWhere(
  pipeline: Pipeline,
  table: string,
  staged: string,
  where: string,
): void {
  const before = pipeline.writing.get(table) ?? Promise.resolve();
  const write = before.then(() => {
    pipeline.onCommit(table);
    return overwriteTable(pipeline.lake, table, { relation: `unit.${staged}` }, {
      replaceWhere: where,
      operation: "HOUR",
    });
  });
  write.catch(() => {}); // Whoever waits for it is told.
  pipeline.writing.set(table, write);
}

/** Waits until all that was begun is committed; throws what went wrong. */
export async function settle(pipeline: Pipeline): Promise<void> {
  const writes = [...pipeline.writing.values()];
  pipeline.writing.clear();
  await allEnded(writes);
}
