import { rmSync, writeFileSync } from "node:fs";
import { splitRecords } from "clickstream/events";
import { LandingError } from "./errors.ts";
import { type IncomingFile, reject, type Taken } from "./omniture.ts";
import type { Pipeline } from "./pipeline.ts";
import { quote } from "./quote.ts";

/** Columns of a sales file, in the order of Online Retail. */
export const SALES_COLUMNS = [
  ...["InvoiceNo", "StockCode", "Description", "Quantity"],
  ...["InvoiceDate", "UnitPrice", "CustomerID", "Country"],
] as const;

/** The table that {@link takeSales} adds to. */
export const NEW_SALES = `InvoiceNo VARCHAR, StockCode VARCHAR, Description VARCHAR,
  Quantity BIGINT, InvoiceDate TIMESTAMP, UnitPrice DOUBLE, CustomerID BIGINT, Country VARCHAR,
  source_file VARCHAR, line BIGINT, date_ts VARCHAR`;

/**
 * Adds the invoice lines of a sales file (CSV with a header, UTF-8) to `unit.new_sales`, and the
 * lines that are none to `unit.new_rejects`. A customer may read `17850` or `17850.0`.
 *
 * @throws {LandingError} when the header lacks a column
 */
export async function takeSales(pipeline: Pipeline, file: IncomingFile): Promise<Taken> {
  const { connection } = pipeline;
  if (file.bytes.length === 0) return { rows: 0, rejected: 0 };
  const header = headerOf(file);
  writeFileSync(file.scratch, file.bytes);
  const split = `${file.scratch}.split`;
  rmSync(split, { force: true });
  const bad: { line: number; raw: string; reason: string }[] = [];
  splitRecords({
    file: file.scratch,
    target: split,
    headerBytes: header.bytes,
    delimiter: ",",
    columns: header.names.length,
    onBad: (record) => bad.push(record),
  });
  const columns = ["line", "from_byte", "to_byte", ...header.names.map((_, index) => `c${index}`)];
  const read = await connection.run(
    `CREATE OR REPLACE TEMP TABLE records AS SELECT line::BIGINT AS line, ${
      SALES_COLUMNS.map((name) => `c${header.names.indexOf(name)} AS ${name}`).join(", ")
    } FROM read_csv(${quote(split)}, header = false, auto_detect = false, delim = ',',
      quote = '"', escape = '"', new_line = '\\n',
      columns = {${columns.map((name) => `${name}: 'VARCHAR'`).join(", ")}})`,
  );
  const [[records]] = await read.getRows() as [[bigint]];
  const counted = await moveRecords(pipeline, file, Number(records));
  await reject(pipeline, file, "sales", bad);
  return { rows: counted.rows, rejected: counted.rejected + bad.length };
}

/** Puts the records into `unit.new_sales`, or, with a reason, into `unit.new_rejects`. */
async function moveRecords(
  pipeline: Pipeline,
  file: IncomingFile,
  records: number,
): Promise<Taken> {
  const { connection } = pipeline;
  const [name, hour] = [quote(file.name), quote(file.hour)];
  const { rowsChanged: rows } = await connection.run(
    `INSERT INTO unit.new_sales SELECT trim(InvoiceNo), trim(StockCode), Description,
      Quantity::BIGINT, InvoiceDate::TIMESTAMP, UnitPrice::DOUBLE,
      ${CUSTOMER}::BIGINT, Country, ${name}, line, ${hour}
     FROM records WHERE ${REASON} IS NULL`,
  );
  if (records > rows) {
    await connection.run(
      `INSERT INTO unit.new_rejects SELECT 'sales', ${name}, line, ${REASON},
       left(concat_ws(',', ${SALES_COLUMNS.join(", ")}), 1000), ${hour}
       FROM records WHERE ${REASON} IS NOT NULL`,
    );
  }
  return { rows, rejected: records - rows };
}

const CUSTOMER = String.raw`regexp_replace(CustomerID, '\.0+$', '')`;

/** SQL of why a record is no invoice line; null when it is one. */
const REASON = String.raw`(CASE
  WHEN coalesce(trim(InvoiceNo), '') = '' THEN 'InvoiceNo is empty'
  WHEN NOT coalesce(regexp_full_match(Quantity, '[+-]?\d{1,12}'), false)
  THEN 'Quantity is not a whole number: ' || left(coalesce(Quantity, ''), 60)
  WHEN InvoiceDate IS NULL OR try_cast(InvoiceDate AS TIMESTAMP) IS NULL
  THEN 'InvoiceDate is not a time: ' || left(coalesce(InvoiceDate, ''), 60)
  WHEN abs(try_cast(UnitPrice AS DOUBLE)) < 1e9 IS NOT TRUE
  THEN 'UnitPrice is not a number: ' || left(coalesce(UnitPrice, ''), 60)
  WHEN CustomerID IS NOT NULL AND try_cast(${CUSTOMER} AS BIGINT) IS NULL
  THEN 'CustomerID is not a whole number: ' || left(CustomerID, 60) END)`;

function headerOf(file: IncomingFile): { names: string[]; bytes: number } {
  const newline = file.bytes.indexOf(10);
  const bytes = newline < 0 ? file.bytes.length : newline + 1;
  const names = new TextDecoder().decode(file.bytes.subarray(0, bytes)).trim().split(",")
    .map((name) => name.replace(/^"|"$/g, "").trim());
  const absent = SALES_COLUMNS.find((name) => !names.includes(name));
  if (absent === undefined) return { names, bytes };
  throw new LandingError(
    `${file.name}: the header has no column ${absent}; it must name ${
      SALES_COLUMNS.join(", ")
    }. Deliver the file with its header.`,
  );
}
