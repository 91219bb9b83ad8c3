import { sleep } from "clickstream/config";
import { query, records } from "clickstream/lakehouse";
import {
  closePipeline,
  deliver,
  type Delivery,
  openPipeline,
  type Pipeline,
  type PipelineOptions,
  TABLES,
} from "clickstream/marketing";
import { withHome } from "../support.ts";

/** Waits for something that another process does. */
export async function until(happened: () => boolean): Promise<void> {
  for (let looks = 0; !happened(); looks++) {
    if (looks === 1_000) throw new Error("What was waited for did not happen.");
    await sleep(10);
  }
}

/** Opens a pipeline of its own for a test. */
export async function withPipeline<T>(
  body: (pipeline: Pipeline, home: string) => Promise<T>,
  options: PipelineOptions = {},
): Promise<T> {
  return await withHome(async (home) => {
    const pipeline = await openPipeline({ home }, options);
    try {
      return await body(pipeline, home);
    } finally {
      await closePipeline(pipeline);
    }
  });
}

/** What a test says of a hit. */
export interface TestHit {
  /** `YYYY-MM-DD HH:MM:SS`. */
  ts: string;
  userid?: string;
  ip?: string;
  url?: string;
  city?: string;
}

/** A hit as a line of 178 columns. */
export function hitLine(hit: TestHit): string {
  const cells = new Array<string>(178).fill("");
  cells[1] = hit.ts;
  cells[7] = hit.ip ?? "10.0.0.1";
  cells[12] = hit.url ?? "http://shop.example/";
  cells[13] = hit.userid ?? "";
  cells[49] = hit.city ?? "";
  return cells.join("\t");
}

/** A file to deliver, from lines. */
export function textFile(name: string, lines: readonly string[]): Delivery {
  return { name, bytes: new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")) };
}

/** A log to deliver. */
export function hitFile(hits: readonly TestHit[], name = "hits.tsv"): Delivery {
  return textFile(name, hits.map(hitLine));
}

/** The header of a sales file. */
export const SALES_HEADER =
  "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";

/** A line of a sales file: invoice, time, quantity, price, customer. */
export type TestSale = [
  invoice: string,
  time: string,
  quantity: number,
  price: number,
  customer: string,
];

/** Sales to deliver. */
export function salesFile(sales: readonly TestSale[], name = "sales.csv"): Delivery {
  return textFile(name, [
    SALES_HEADER,
    ...sales.map(([invoice, time, quantity, price, customer]) =>
      `${invoice},85123A,HEART HOLDER,${quantity},${time},${price},${customer},United Kingdom`
    ),
  ]);
}

/** Delivers both inputs of an hour. */
export function deliverHour(
  pipeline: Pipeline,
  hour: string,
  hits: readonly TestHit[],
  sales: readonly TestSale[] = [],
): void {
  deliver(pipeline.landing, hour, "omniture", hits.length === 0 ? [] : [hitFile(hits)]);
  deliver(pipeline.landing, hour, "sales", sales.length === 0 ? [] : [salesFile(sales)]);
}

/** The rows of every table of the pipeline, as text in an order of their own. */
export async function allTables(pipeline: Pipeline): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const table of Object.keys(TABLES)) {
    const columns = table === "raw.omniturelogs"
      ? "col_2, col_8, col_13, col_14, source_file, line, date_ts"
      : "*";
    const rows = await records(
      pipeline.lake,
      `SELECT t::VARCHAR AS row FROM (SELECT ${columns} FROM ${table}) AS t ORDER BY 1`,
    );
    found[table] = rows.map(({ row }) => String(row));
  }
  return found;
}

/** Rows of a query as plain objects, numbers as numbers. */
export async function ask(pipeline: Pipeline, sql: string): Promise<Record<string, unknown>[]> {
  const rows = await records(pipeline.lake, sql);
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        typeof value === "bigint" ? Number(value) : value,
      ]),
    )
  );
}

/** Number of rows of a table. */
export async function countOf(pipeline: Pipeline, table: string): Promise<number> {
  return (await query(pipeline.lake, `SELECT * FROM ${table}`)).height;
}
