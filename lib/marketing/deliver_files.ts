import { readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { DuckDBConnection } from "@duckdb/node-api";
import { overwriteTable } from "clickstream/lakehouse";
import { LandingError } from "./errors.ts";
import { hoursBetween, hourSql } from "./hour.ts";
import { deliver, inputsOf, type Kind, KINDS } from "./landing.ts";
import type { Pipeline } from "./pipeline.ts";
import { quote } from "./quote.ts";
import { csvCellSql, SALES_COLUMNS } from "./sales.ts";
import { HIT_POSITIONS } from "./tables.ts";

/** Web logs and sales of one's own. */
export interface OwnFiles {
  /** Folder of Omniture logs, plain or gzipped. */
  webLogs: string;
  /** Sales file in the columns of Online Retail, plain or gzipped. */
  sales: string;
  /** Shift hits by whole days so that first days coincide, and map customers onto web users. */
  align: boolean;
  /** Order in which customers are mapped. @default 1 */
  seed?: number;
}

/** What was delivered, and how it was aligned. */
export interface Delivered {
  from: string;
  to: string;
  hits: number;
  sales: number;
  /** Days that hits were shifted by. */
  shiftedDays: number;
  /** Customers that were given a web user. */
  mappedCustomers: number;
}

/**
 * Splits files of one's own by hour into the landing zone. Lines whose time cannot be read go to
 * the first hour, where ingestion rejects them with the reason.
 *
 * @throws {LandingError} when a file is not there, cannot be read or holds no time at all
 */
export async function deliverFiles(pipeline: Pipeline, own: OwnFiles): Promise<Delivered> {
  const connection = await pipeline.lake.connect();
  try {
    await readOwn(connection, own);
    const shiftedDays = own.align ? await shift(connection) : 0;
    const mappedCustomers = own.align ? await mapCustomers(pipeline, connection, own.seed ?? 1) : 0;
    const [from, to] = await spanOfHours(connection);
    const hits = await deliverKind(pipeline, connection, "omniture", from);
    const sales = await deliverKind(pipeline, connection, "sales", from);
    await deliverEmpty(pipeline, connection);
    return { from, to, hits, sales, shiftedDays, mappedCustomers };
  } catch (cause) {
    if (!/^(IO|Invalid Input|Binder) Error/.test((cause as Error).message ?? "")) throw cause;
    throw new LandingError(`The files cannot be read: ${(cause as Error).message}`, { cause });
  } finally {
    connection.closeSync();
  }
}

/** Makes `own_hits` and `own_sales`: each line with its time, null when it has none. */
async function readOwn(connection: DuckDBConnection, own: OwnFiles): Promise<void> {
  const logs = readdirSync(own.webLogs).filter((name) => !/^[._]/.test(name)).sort()
    .map((name) => quote(join(own.webLogs, name)));
  if (logs.length === 0) throw new LandingError(`There is no file in ${own.webLogs}.`);
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE own_hits AS
     SELECT row_number() OVER () AS n, line, try_cast(split_part(line, chr(9), ${HIT_POSITIONS.ts})
       AS TIMESTAMP) AS t, split_part(line, chr(9), ${HIT_POSITIONS.userid}) AS userid
     FROM read_csv([${logs.join(", ")}], columns = {line: 'VARCHAR'}, header = false,
       auto_detect = false, delim = '\\x01', quote = '', escape = '', max_line_size = 10000000);
     CREATE OR REPLACE TEMP TABLE own_sales AS
     SELECT row_number() OVER () AS n, concat_ws(',', ${SALES_COLUMNS.map(csvCellSql).join(", ")})
       AS line, try_cast(InvoiceDate AS TIMESTAMP) AS t,
       try_cast(regexp_replace(CustomerID, '\\.0+$', '') AS BIGINT) AS customer
     FROM read_csv(${quote(own.sales)}, header = true, all_varchar = true)`,
  );
}

async function shift(connection: DuckDBConnection): Promise<number> {
  const [[days]] = (await connection.runAndReadAll(
    `SELECT date_diff('day', (SELECT min(t)::DATE FROM own_hits), (SELECT min(t)::DATE FROM own_sales))`,
  )).getRowsJS() as [[bigint | null]];
  if (days === null) {
    throw new LandingError("No line of the web logs, or of the sales, has a time.");
  }
  const ts = HIT_POSITIONS.ts;
  await connection.run(
    `UPDATE own_hits SET t = t + to_days(${days}::INTEGER), line = array_to_string(
       list_transform(string_split(line, chr(9)), lambda cell, i: CASE WHEN i = ${ts}
         THEN strftime(t + to_days(${days}::INTEGER), '%Y-%m-%d %H:%M:%S') ELSE cell END), chr(9))
     WHERE t IS NOT NULL`,
  );
  return Number(days);
}

/** Pairs customers and web users, each in a seeded order, as far as there are of both. */
async function mapCustomers(
  pipeline: Pipeline,
  connection: DuckDBConnection,
  seed: number,
): Promise<number> {
  const order = (key: string) => `row_number() OVER (ORDER BY md5(${key} || '/${seed}'), ${key})`;
  await connection.run(
    `CREATE OR REPLACE TABLE unit.customer_users AS
     SELECT customer AS "CustomerID", userid FROM
       (SELECT customer, ${order("customer::VARCHAR")} AS number FROM
         (SELECT DISTINCT customer FROM own_sales WHERE customer IS NOT NULL)) JOIN
       (SELECT userid, ${order("userid")} AS number FROM
         (SELECT DISTINCT userid FROM own_hits WHERE userid <> '')) USING (number)`,
  );
  await overwriteTable(pipeline.lake, "raw.customer_users", {
    sql: "SELECT * FROM unit.customer_users",
  });
  const reader = await connection.runAndReadAll(
    "SELECT count(*)::INTEGER FROM unit.customer_users",
  );
  return reader.getRowsJS()[0]![0] as number;
}

async function spanOfHours(connection: DuckDBConnection): Promise<[string, string]> {
  const [[from, to]] = (await connection.runAndReadAll(
    `SELECT ${hourSql("min(t)")}, ${hourSql("max(t)")}
     FROM (SELECT t FROM own_hits UNION ALL SELECT t FROM own_sales)`,
  )).getRowsJS() as [[string | null, string | null]];
  if (from === null || to === null) throw new LandingError("No line of either file has a time.");
  return [from, to];
}

async function deliverKind(
  pipeline: Pipeline,
  connection: DuckDBConnection,
  kind: Kind,
  first: string,
): Promise<number> {
  const table = kind === "sales" ? "own_sales" : "own_hits";
  const reader = await connection.runAndReadAll(
    `SELECT coalesce(${hourSql("t")}, '${first}') AS hour, count(*)::INTEGER,
       string_agg(line, chr(10) ORDER BY n) FROM ${table} GROUP BY 1 ORDER BY 1`,
  );
  let rows = 0;
  for (const [hour, count, text] of reader.getRowsJS() as [string, number, string][]) {
    const header = kind === "sales" ? `${SALES_COLUMNS.join(",")}\n` : "";
    const bytes = gzipSync(new TextEncoder().encode(`${header}${text}\n`), { level: 1 });
    const name = kind === "sales" ? "sales.csv.gz" : "hits.tsv.gz";
    deliver(pipeline.landing, hour, kind, [{ name, bytes }]);
    rows += count;
  }
  return rows;
}

/** Says of every hour between the first and the last that has no file of a kind that it is whole. */
async function deliverEmpty(pipeline: Pipeline, connection: DuckDBConnection): Promise<void> {
  const [from, to] = await spanOfHours(connection);
  for (const hour of hoursBetween(from, to)) {
    for (const kind of KINDS) {
      if (inputsOf(pipeline.landing, hour).files[kind].length > 0) continue;
      deliver(pipeline.landing, hour, kind, []);
    }
  }
}
