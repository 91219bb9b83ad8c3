import type { ColumnTable, PlainRow } from "./columns.ts";
import type { RateTable } from "./model.ts";

/** Rows' worth of the overall share that each value's share is mixed with. */
const PRIOR_ROWS = 20;

/** Counts the share of positives by the value of a text column (by nothing when it is absent). */
export function fitRates(table: ColumnTable, labels: Float32Array, column: string): RateTable {
  let positives = 0;
  for (const label of labels) positives += label;
  const overall = labels.length === 0 ? 0 : positives / labels.length;
  const text = table.columns.get(column);
  const rates: Record<string, number> = {};
  if (text?.kind === "text") {
    const rows = new Float64Array(text.dictionary.length);
    const bought = new Float64Array(text.dictionary.length);
    text.codes.forEach((code, i) => {
      if (code < 0) return;
      rows[code]!++;
      bought[code]! += labels[i]!;
    });
    text.dictionary.forEach((value, code) => {
      rates[value] = (bought[code]! + PRIOR_ROWS * overall) / (rows[code]! + PRIOR_ROWS);
    });
  }
  return { column, rates, overall };
}

/** The rate of every row of a table. */
export function ratesOf(table: RateTable, rows: ColumnTable): Float64Array {
  const text = rows.columns.get(table.column);
  const out = new Float64Array(rows.rows).fill(table.overall);
  if (text?.kind !== "text") return out;
  const rates = text.dictionary.map((value) => rateFor(table, value));
  text.codes.forEach((code, i) => {
    if (code >= 0) out[i] = rates[code]!;
  });
  return out;
}

/** The rate of one plain row. */
export function rateOf(table: RateTable, row: PlainRow): number {
  const value = row[table.column];
  return value === null || value === undefined ? table.overall : rateFor(table, String(value));
}

function rateFor(table: RateTable, value: string): number {
  return Object.hasOwn(table.rates, value) ? table.rates[value]! : table.overall;
}
