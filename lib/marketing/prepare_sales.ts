import { hoursSql } from "./hour.ts";
import { type Pipeline, read, replaceWhere, stage, type Unit } from "./pipeline.ts";
import { columnsOf } from "./tables.ts";

/**
 * SQL of what kind an invoice line is: a `cancellation` when its invoice starts with C, an
 * `adjustment` of the books with A, else a `return` when goods went back, else a `sale`.
 */
export const KIND = `CASE WHEN InvoiceNo LIKE 'C%' THEN 'cancellation'
  WHEN InvoiceNo LIKE 'A%' THEN 'adjustment' WHEN Quantity < 0 THEN 'return' ELSE 'sale' END`;

/**
 * Step 3: the unit's invoice lines with their web user (the customer's number, unless
 * `raw.customer_users` names another), amount and kind. Lines without a customer are kept.
 */
export async function prepareSales(pipeline: Pipeline, unit: Unit): Promise<void> {
  if (unit.brought?.sales === 0) return await stageSales(pipeline, unit);
  const where = hoursSql(unit.hours);
  const sales = unit.brought === null ? await read(pipeline, "raw.sales", where) : "unit.new_sales";
  const users = await read(pipeline, "raw.customer_users", "true");
  await stage(
    pipeline,
    "sales",
    `SELECT ${columnsOf("processed.sales")} FROM (
       SELECT sales.*, coalesce(users.userid, sales.CustomerID::VARCHAR) AS userid,
         round(Quantity * UnitPrice::DECIMAL(18,4), 2)::DECIMAL(18,2) AS amount, ${KIND} AS kind
       FROM ${sales} AS sales LEFT JOIN ${users} AS users USING (CustomerID))`,
  );
  unit.made.add("sales");
  replaceWhere(pipeline, "processed.sales", "sales", where);
}

/** Makes `unit.sales`, the unit's invoice lines. */
export async function stageSales(pipeline: Pipeline, unit: Unit): Promise<void> {
  if (unit.made.has("sales")) return;
  const where = unit.brought?.sales === 0 ? "false" : hoursSql(unit.hours);
  await stage(pipeline, "sales", `SELECT * FROM ${await read(pipeline, "processed.sales", where)}`);
  unit.made.add("sales");
}
