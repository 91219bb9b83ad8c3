import { randomUUID } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { ClickstreamError } from "clickstream/config";
import { SchemaError } from "./errors.ts";
import { EVENT_COLUMNS } from "./event.ts";
import { type CsvHeader, readHeader } from "./header.ts";
import { type EventMapping, parseMapping } from "./mapping.ts";
import { splitRecords } from "./records.ts";
import { literal, textColumn, typedColumns } from "./typing.ts";
import { unpack } from "./unpack.ts";

/** How to read a file of events. */
export interface ReadOptions {
  /** The file's own names, read from `--map` or given as a mapping. @default the source's names */
  mapping?: EventMapping | string | undefined;
  /** Share of rows (0 to 1) that may be rejected before the load stops. @default 0.01 */
  maxRejectShare?: number | undefined;
  /** Name of the temporary relation to make. @default a new name */
  table?: string | undefined;
  /** Folder for unpacked files while reading. @default the system's */
  temporaryDirectory?: string | undefined;
  /** Called when a stage begins and ends; `done` counts rows. */
  onProgress?: ((stage: "unpack" | "read" | "check", done: number) => void) | undefined;
}

/** Events that were read, as relations of the connection. */
export interface ReadResult {
  /** Temporary view: the nine typed columns and `source_row` (1, 2, … in the file's order). */
  table: string;
  /**
   * Temporary table: line (BIGINT, from 1, the header is line 1), raw (its first 1,000
   * characters; null beyond 100,000 rejects), reason.
   */
  rejects: string;
  rows: number;
  rejected: number;
  /** Drops the relations. */
  release(): Promise<void>;
}

let made = 0;

/**
 * Reads a CSV file of events (plain, gzipped or zipped) into the connection, without an object
 * per row. Rows that cannot be read are kept in the rejects table.
 *
 * The file is first read by DuckDB alone. Only when a row turns out wrong is it split again byte
 * by byte, which is slower and knows the line of everything.
 *
 * @throws {NotFoundError} when there is no such file
 * @throws {SchemaError} when the file is damaged, its header is not that of events, or too many
 *   rows are rejected
 */
export async function readEvents(
  connection: DuckDBConnection,
  file: string,
  options: ReadOptions = {},
): Promise<ReadResult> {
  const { mapping: given = "", onProgress, temporaryDirectory = tmpdir() } = options;
  const mapping = typeof given === "string" ? parseMapping(given) : given;
  onProgress?.("unpack", 0);
  const plain = await unpack(file, temporaryDirectory);
  try {
    const job: ReadJob = {
      connection,
      file,
      plain: plain.path,
      header: readHeader(await startOf(plain.path), file, mapping),
      mapping,
      table: options.table ?? `events_${++made}`,
      split: join(temporaryDirectory, `clickstream-${randomUUID()}.split.csv`),
    };
    onProgress?.("read", 0);
    const whole = await readFast(job);
    if (!whole) {
      onProgress?.("check", 0);
      await readExactly(job);
    }
    const result = await resultOf(job);
    onProgress?.("read", result.rows);
    await checkShare(job, result, options.maxRejectShare ?? 0.01);
    return result;
  } finally {
    await plain.release();
  }
}

interface ReadJob {
  connection: DuckDBConnection;
  /** The file as given, for messages. */
  file: string;
  /** The unpacked file. */
  plain: string;
  header: CsvHeader;
  mapping: EventMapping;
  table: string;
  /** Where the slow path writes its records. */
  split: string;
}

async function startOf(file: string): Promise<Uint8Array> {
  const handle = await open(file);
  try {
    const { bytesRead, buffer } = await handle.read(new Uint8Array(1 << 16), 0, 1 << 16, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

const base = (job: ReadJob) => `"${job.table}_rows"`;
const rejects = (job: ReadJob) => `"${job.table}_rejects"`;

/** Reads with DuckDB alone; answers false, leaving nothing, when any row is wrong. */
async function readFast(job: ReadJob): Promise<boolean> {
  const { connection } = job;
  const texts = job.header.names.map((_, index) => textColumn(index));
  const source = csvSource(job.plain, job.header.delimiter, texts, "skip = 1");
  await makeRejects(job);
  try {
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE ${base(job)} AS
       SELECT ${typedColumns(job.header.positions, job.mapping)} FROM ${source}`,
    );
  } catch (error) {
    if (!/CSV|Invalid Input|unicode/i.test((error as Error).message)) {
      throw readingError(job, error);
    }
    return false;
  }
  const wrong = await count(connection, `${base(job)} WHERE reason IS NOT NULL`);
  if (wrong > 0) return false;
  await connection.run(`ALTER TABLE ${base(job)} DROP COLUMN reason`);
  return true;
}

async function readExactly(job: ReadJob): Promise<void> {
  const { connection } = job;
  const checked = `"${job.table}_checked"`;
  const columns = EVENT_COLUMNS.map((column) => column.name).join(", ");
  try {
    await splitIntoRejects(job);
    const texts = job.header.names.map((_, index) => textColumn(index));
    const places = ["line", "from_byte", "to_byte"];
    const source = csvSource(
      job.split,
      job.header.delimiter,
      [...places, ...texts],
      String.raw`new_line = '\n'`,
    );
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE ${checked} AS
       SELECT ${places.map((name) => `CAST(${name} AS BIGINT) AS ${name}`).join(", ")},
         ${typedColumns(job.header.positions, job.mapping)} FROM ${source}`,
    );
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE ${base(job)} AS
       SELECT ${columns} FROM ${checked} WHERE reason IS NULL ORDER BY line`,
    );
    await keepUntyped(job, checked);
    await connection.run(`DROP TABLE ${checked}`);
  } catch (error) {
    throw readingError(job, error);
  } finally {
    await rm(job.split, { force: true });
  }
}

function makeRejects(job: ReadJob): Promise<unknown> {
  return job.connection.run(
    `CREATE OR REPLACE TEMP TABLE ${rejects(job)} (line BIGINT, raw VARCHAR, reason VARCHAR)`,
  );
}

/** Splits the file by hand; the records that cannot be split go to the rejects table. */
async function splitIntoRejects(job: ReadJob): Promise<void> {
  const appender = await job.connection.createAppender(`${job.table}_rejects`, "main", "temp");
  splitRecords({
    file: job.plain,
    target: job.split,
    headerBytes: job.header.bytes,
    delimiter: job.header.delimiter,
    columns: job.header.names.length,
    onBad: ({ line, raw, reason }) => {
      appender.appendBigInt(BigInt(line));
      appender.appendVarchar(raw);
      appender.appendVarchar(reason);
      appender.endRow();
    },
  });
  appender.closeSync();
}

const TEXTS_KEPT = 100_000;

/** Records that split well but hold a wrong value: their text is taken from the file again. */
async function keepUntyped(job: ReadJob, checked: string): Promise<void> {
  const select = `FROM ${checked} WHERE reason IS NOT NULL ORDER BY line`;
  const wrong = await job.connection.runAndReadAll(
    `SELECT line, from_byte, to_byte, reason ${select} LIMIT ${TEXTS_KEPT}`,
  );
  await job.connection.run(
    `INSERT INTO ${rejects(job)} SELECT line, NULL, reason ${select} OFFSET ${TEXTS_KEPT}`,
  );
  const appender = await job.connection.createAppender(`${job.table}_rejects`, "main", "temp");
  const source = openSync(job.plain, "r");
  try {
    for (const [line, from, to, reason] of wrong.getRows() as [bigint, bigint, bigint, string][]) {
      const bytes = new Uint8Array(Math.min(Number(to - from), 1000));
      const read = readSync(source, bytes, 0, bytes.length, Number(from));
      appender.appendBigInt(line);
      appender.appendVarchar(new TextDecoder().decode(bytes.subarray(0, read)));
      appender.appendVarchar(reason);
      appender.endRow();
    }
  } finally {
    closeSync(source);
    appender.closeSync();
  }
}

function csvSource(
  file: string,
  delimiter: string,
  columns: string[],
  options: string,
): string {
  const types = columns.map((name) => `'${name}': 'VARCHAR'`).join(", ");
  return `read_csv(${literal(file)}, header = false, auto_detect = false, ${options},
    delim = '${delimiter}', quote = '"', escape = '"', columns = {${types}})`;
}

async function resultOf(job: ReadJob): Promise<ReadResult> {
  const { connection, table } = job;
  await connection.run(
    `CREATE OR REPLACE TEMP VIEW "${table}" AS SELECT *, rowid + 1 AS source_row FROM ${base(job)}`,
  );
  return {
    table,
    rejects: `${table}_rejects`,
    rows: await count(connection, base(job)),
    rejected: await count(connection, rejects(job)),
    release: async () => {
      await connection.run(`DROP VIEW IF EXISTS temp."${table}"`);
      await connection.run(`DROP TABLE IF EXISTS temp.${base(job)}`);
      await connection.run(`DROP TABLE IF EXISTS temp.${rejects(job)}`);
    },
  };
}

async function checkShare(job: ReadJob, result: ReadResult, allowed: number): Promise<void> {
  const total = result.rows + result.rejected;
  if (total === 0) {
    await result.release();
    throw new SchemaError(`${job.file} has a header and no rows: there is nothing to read.`);
  }
  if (result.rejected <= allowed * total) return;
  const first = await job.connection.runAndReadAll(
    `SELECT line, reason FROM ${rejects(job)} ORDER BY line LIMIT 3`,
  );
  const examples = (first.getRows() as [bigint, string][])
    .map(([line, reason]) => `line ${line}: ${reason}`).join("; ");
  await result.release();
  throw new SchemaError(
    `${result.rejected} of ${total} rows of ${job.file} cannot be read, more than the ${
      (allowed * 100).toPrecision(3).replace(/\.?0+$/, "")
    } % allowed (${examples}): mend the file, or map its columns with --map.`,
  );
}

async function count(connection: DuckDBConnection, from: string): Promise<number> {
  const reader = await connection.runAndReadAll(`SELECT count(*) FROM ${from}`);
  return Number(reader.getRows()[0]![0]);
}

function readingError(job: ReadJob, cause: unknown): Error {
  if (cause instanceof ClickstreamError) return cause;
  const message = (cause as Error).message.split("\n")[0]!;
  return new SchemaError(`${job.file} cannot be read as CSV: ${message}`, { cause });
}
