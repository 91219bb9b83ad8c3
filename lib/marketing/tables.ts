import { type Column, createTable, createView, type Lakehouse } from "clickstream/lakehouse";

/** Columns of an Omniture hit log. */
export const HIT_COLUMNS = 178;

/** Where the columns that are used stand in a hit log, from 1. */
export const HIT_POSITIONS = {
  ts: 2,
  ip: 8,
  url: 13,
  userid: 14,
  city: 50,
  country: 51,
  state: 53,
} as const;

const text = (...names: string[]): Column[] => names.map((name) => ({ name, type: "string" }));
const place: Column[] = [{ name: "source_file", type: "string" }, { name: "line", type: "long" }];
const dateTs: Column[] = text("date_ts");

const hit: Column[] = [
  { name: "ts", type: "timestamp" },
  ...text("ip", "url", "userid", "city", "country", "state", "date_ts"),
];

/** A hit with the session it belongs to. */
const sessionHit: Column[] = [...hit, ...text("sessionid"), {
  name: "sessionDuration",
  type: "long",
  comment: "seconds from the session's first hit to its last",
}];

const line: Column[] = [
  ...text("InvoiceNo", "StockCode", "Description"),
  { name: "Quantity", type: "long" },
  { name: "InvoiceDate", type: "timestamp" },
  { name: "UnitPrice", type: "double" },
  { name: "CustomerID", type: "long" },
  ...text("Country"),
];

const pricedLine: Column[] = [
  { name: "amount", type: "decimal(18,2)", comment: "Quantity x UnitPrice, to the penny" },
  { name: "kind", type: "string", comment: "sale, return, cancellation or adjustment" },
];

const session: Column[] = [
  ...text("sessionid", "userid", "ip"),
  { name: "start_ts", type: "timestamp" },
  { name: "end_ts", type: "timestamp" },
  { name: "sessionDuration", type: "long", comment: "seconds" },
  { name: "hits", type: "long" },
  { name: "pages", type: "long", comment: "distinct urls" },
  ...text("landing_url", "exit_url", "city", "country", "state", "date_ts"),
];

/** An invoice line beside a session; what both have is prefixed by `sale_`. */
const mappedLine: Column[] = [
  ...line.map((column) => column.name === "Country" ? { ...column, name: "sale_Country" } : column),
  ...pricedLine,
  ...text("sale_source_file"),
  { name: "sale_line", type: "long" },
  ...text("sale_date_ts"),
];

/** Every table of the second pipeline, by `database.name`. */
export const TABLES: Readonly<Record<string, readonly Column[]>> = {
  "raw.omniturelogs": [
    ...text(...Array.from({ length: HIT_COLUMNS }, (_, index) => `col_${index + 1}`)),
    ...place,
    ...dateTs,
  ],
  "raw.sales": [...line, ...place, ...dateTs],
  "raw.rejects": [...text("kind"), ...place, ...text("reason", "raw"), ...dateTs],
  "raw.customer_users": [{ name: "CustomerID", type: "long" }, ...text("userid")],
  "processed.omniture": sessionHit,
  "processed.sales": [...line, ...place, ...dateTs, ...text("userid"), ...pricedLine],
  "warehouse.sessions": session,
  "warehouse.session_mapped": [...session, ...mappedLine],
  "warehouse.unmapped_sales": [...line, ...place, ...dateTs, ...text("userid"), ...pricedLine],
  "warehouse.daily_top_spenders": [
    ...text("grain", "date_ts", "userid"),
    { name: "daily_spend", type: "decimal(18,2)" },
    { name: "rank", type: "long" },
  ],
  "warehouse.daily_top_spenders_usage_logs": [
    ...sessionHit,
    ...text("grain"),
    { name: "period_ts", type: "string", comment: "the hour or day of the ranking" },
  ],
};

/** Names of a table's columns, as SQL. */
export function columnsOf(table: string, prefix = ""): string {
  return TABLES[table]!.map((column) => `${prefix}"${column.name}"`).join(", ");
}

/**
 * SQL over hits of 178 columns: those that are used, by their names.
 *
 * @param column SQL of a column by its position. @default that of `raw.omniturelogs`
 */
export function hitsSql(
  from: string,
  column: (position: number) => string = (position) => `col_${position}`,
): string {
  const columns = Object.entries(HIT_POSITIONS).map(([name, position]) =>
    name === "ts"
      ? `CAST(${column(position)} AS TIMESTAMP) AS ts`
      : `${column(position)} AS ${name}`
  );
  return `SELECT ${columns.join(", ")}, date_ts FROM ${from}`;
}

/**
 * Set-up: makes the databases raw, processed and warehouse with their tables and the view
 * `raw.omniture`. What is there already stays.
 */
export async function setUp(lake: Lakehouse): Promise<void> {
  // A commit every few minutes for years: the log is folded a hundred commits at a time.
  const properties = { "delta.checkpointInterval": "100" };
  for (const [table, columns] of Object.entries(TABLES)) {
    await createTable(lake, table, { columns, properties, ifNotExists: true });
  }
  await createView(lake, "raw.omniture", hitsSql("raw.omniturelogs"));
}
