import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { DuckDBConnection } from "@duckdb/node-api";
import { projectRoot } from "clickstream/config";
import { hoursBetween, hourSql, parseHour } from "../hour.ts";
import { deliver, type Delivery, isWhole, type Kind } from "../landing.ts";
import { quote } from "../quote.ts";
import { csvCellSql, SALES_COLUMNS } from "../sales.ts";
import { hitsSql, lineSql } from "./pages.ts";
import {
  anonymousVisitsSql,
  browsingVisitsSql,
  customersSql,
  type LogOptions,
  purchaseVisitsSql,
  randomSql,
  visitIpSql,
} from "./visits.ts";

/** The committed Online Retail set. */
export const ONLINE_RETAIL = join(projectRoot, "data", "online-retail.csv.gz");

/** First and last hour of Online Retail. */
export const ONLINE_RETAIL_HOURS = { from: "20101201_08", to: "20111209_12" } as const;

/** What is generated, and where it goes. */
export interface GenerateOptions extends LogOptions {
  /** Folder of the landing zone. */
  landing: string;
  /** Folder of the ground truth, kept apart from what the pipeline reads. */
  truth: string;
  /** First hour. @default Online Retail's */
  from?: string;
  /** Last hour. @default Online Retail's */
  to?: string;
  /** Sales file in the form of Online Retail. @default the committed one */
  sales?: string;
  /** Called as hours are written. */
  onProgress?: (hours: number, of: number) => void;
}

/** What was generated. */
export interface Generated {
  hours: number;
  hits: number;
  sales: number;
  /** Parquet file with a row a visit: user, ip, kind, start_ts, end_ts, hits, invoices. */
  truth: string;
}

/**
 * Fills the landing zone, hour by hour: the real sales, and web logs of 178 columns whose users
 * are the customers of the sales. Visits around real invoices, visits without a purchase, visits
 * without a login, crawlers, several ips a customer. Every hour of the span gets both folders and
 * their flags; an hour in which the shop sold nothing has a sales folder without a file. What was
 * delivered before stays as it is.
 *
 * @param connection where temporary tables are made meanwhile
 */
export async function generateLanding(
  connection: DuckDBConnection,
  options: GenerateOptions,
): Promise<Generated> {
  const { from = ONLINE_RETAIL_HOURS.from, to = ONLINE_RETAIL_HOURS.to } = options;
  const truth = await makeVisits(connection, options);
  await makeHits(connection, from, to);
  const hours = hoursBetween(from, to);
  const total: Generated = { hours: hours.length, hits: 0, sales: 0, truth };
  for (let start = 0; start < hours.length; start += HOURS_AT_ONCE) {
    const some = hours.slice(start, start + HOURS_AT_ONCE);
    const hits = await filesOf(connection, "hits", some);
    const sales = await filesOf(connection, "sales", some);
    for (const hour of some) {
      total.hits += put(options.landing, hour, "omniture", hits.get(hour));
      total.sales += put(options.landing, hour, "sales", sales.get(hour));
    }
    options.onProgress?.(start + some.length, hours.length);
  }
  await connection.run(
    "DROP TABLE temp.generated_visits; DROP TABLE temp.generated_hits; DROP TABLE temp.retail",
  );
  return total;
}

const HOURS_AT_ONCE = 336;

/** Invents the visits of the whole time of the sales, and keeps them as ground truth. */
async function makeVisits(connection: DuckDBConnection, options: GenerateOptions): Promise<string> {
  const { seed = 1, onlineShare = 0.85, browsing = 0.04, anonymous = 60 } = options;
  await connection.run(randomSql(seed));
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE retail AS SELECT
       InvoiceNo, StockCode, Description, Quantity, InvoiceDate::TIMESTAMP AS InvoiceDate,
       UnitPrice, regexp_replace(CustomerID, '\\.0+$', '') AS CustomerID, Country,
       CustomerID AS customer_text, InvoiceDate AS date_text
     FROM read_csv(${quote(options.sales ?? ONLINE_RETAIL)}, header = true, all_varchar = true);
     CREATE OR REPLACE TEMP TABLE span AS SELECT date_trunc('day', min(InvoiceDate)) AS first_day,
       date_trunc('day', max(InvoiceDate)) + INTERVAL 1 DAY AS last_day FROM retail;
     CREATE OR REPLACE TEMP TABLE customers AS ${customersSql("retail")};
     CREATE OR REPLACE TEMP TABLE known AS
       (${purchaseVisitsSql("retail", onlineShare)})
       UNION ALL (${browsingVisitsSql("customers", browsing)})`,
  );
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE generated_visits AS
     SELECT visit, kind, customer AS userid, ${visitIpSql()} AS ip, city, country, state, start_ts,
       end_ts, hits, invoices
     FROM (${apart("known")}) JOIN customers USING (customer)
     UNION ALL SELECT visit, kind, NULL, ip, NULL, NULL, NULL, start_ts,
       start_ts + to_seconds(((hits - 1) * pace)::BIGINT), hits, NULL
     FROM (${anonymousVisitsSql(anonymous)});
     UPDATE generated_visits SET start_ts = date_trunc('second', start_ts),
       end_ts = date_trunc('second', end_ts)`,
  );
  mkdirSync(options.truth, { recursive: true });
  const file = join(options.truth, "visits.parquet");
  await connection.run(`COPY generated_visits TO ${quote(file)} (FORMAT parquet)`);
  return file;
}

/** Visits without a purchase must lie apart from every other visit of the same customer. */
function apart(visits: string): string {
  return `SELECT * FROM ${visits}
    WINDOW before AS (PARTITION BY customer ORDER BY start_ts, visit
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
      after AS (PARTITION BY customer ORDER BY start_ts, visit
        ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)
    QUALIFY kind = 'purchase' OR (
      coalesce(start_ts - max(end_ts) OVER before > INTERVAL 40 MINUTE, true) AND
      coalesce(min(start_ts) OVER after - end_ts > INTERVAL 40 MINUTE, true))`;
}

async function makeHits(connection: DuckDBConnection, from: string, to: string): Promise<void> {
  const end = new Date(parseHour(to).getTime() + 3_600_000).toISOString().slice(0, 19);
  const begin = parseHour(from).toISOString().slice(0, 19);
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE products AS
       SELECT row_number() OVER (ORDER BY code) - 1 AS number, code
       FROM (SELECT DISTINCT StockCode AS code FROM retail WHERE regexp_matches(StockCode, '^\\d{5}'));
     CREATE OR REPLACE TEMP TABLE generated_hits AS
       SELECT *, ${hourSql("ts")} AS hour FROM (${
      hitsSql(
        `(SELECT * FROM generated_visits WHERE start_ts < '${end}' AND end_ts >= '${begin}')`,
        "products",
      )
    }) WHERE ts >= TIMESTAMP '${begin}' AND ts < TIMESTAMP '${end}'`,
  );
}

interface TextFile {
  rows: number;
  text: string;
}

/** The files of some hours, put together by the engine: a text an hour. */
async function filesOf(
  connection: DuckDBConnection,
  what: "hits" | "sales",
  hours: readonly string[],
): Promise<Map<string, TextFile>> {
  const [first, last] = [hours[0]!, hours.at(-1)!];
  const columns = SALES_COLUMNS.map((name) =>
    csvCellSql(
      name === "InvoiceDate" ? "date_text" : name === "CustomerID" ? "customer_text" : name,
    )
  );
  const source = what === "hits"
    ? `SELECT hour, ${lineSql()} AS line, ts AS a, visit AS b, i AS c FROM generated_hits
       WHERE hour BETWEEN '${first}' AND '${last}'`
    : `SELECT ${hourSql("InvoiceDate")} AS hour, concat_ws(',', ${columns.join(", ")}) AS line,
       rowid AS a, 0 AS b, 0 AS c FROM retail
       WHERE ${hourSql("InvoiceDate")} BETWEEN '${first}' AND '${last}'`;
  const reader = await connection.runAndReadAll(
    `SELECT hour, count(*), string_agg(line, chr(10) ORDER BY a, b, c) FROM (${source}) GROUP BY hour`,
  );
  return new Map(
    (reader.getRows() as [string, bigint, string][])
      .map(([hour, rows, text]) => [hour, { rows: Number(rows), text }]),
  );
}

const HEADER = `${SALES_COLUMNS.join(",")}\n`;

function put(landing: string, hour: string, kind: Kind, file: TextFile | undefined): number {
  if (isWhole(landing, hour, kind)) return 0;
  const encode = (text: string) => new TextEncoder().encode(text);
  const files: Delivery[] = [];
  if (file !== undefined && kind === "omniture") {
    files.push({ name: "hits.tsv.gz", bytes: gzipSync(encode(`${file.text}\n`), { level: 1 }) });
  } else if (file !== undefined) {
    files.push({ name: "sales.csv", bytes: encode(`${HEADER}${file.text}\n`) });
  }
  deliver(landing, hour, kind, files);
  return file?.rows ?? 0;
}
