import {
  type Column,
  type Lakehouse,
  overwriteTable,
  quoteText,
  records,
  tableExists,
} from "clickstream/lakehouse";

/** Name of the table in the database `clickstream`. */
export const MARGINS_TABLE = "electronics_product_margins";

const columns: readonly Column[] = [
  { name: "product_id", type: "long", comment: "the product", nullable: false },
  { name: "margin", type: "double", comment: "share of the price that is margin", nullable: false },
];

/**
 * Writes the margins of a synthetic shop's products. A shop knows what it pays for its goods: of the
 * ground truth, only this column is taken, and no feature reads it.
 *
 * @param truth parquet file of the synthetic shop
 */
export async function publishMargins(lake: Lakehouse, truth: string): Promise<void> {
  const sql = `select product_id, any_value(margin) as margin from read_parquet(${quoteText(truth)})
    group by product_id`;
  const description = "what is known of the margin of each product";
  await overwriteTable(lake, MARGINS_TABLE, { sql }, { columns: [...columns], description });
}

/** The margin of a product as a share of its price; `unknown` where the table has none. */
export type Margins = (product: bigint, unknown: number) => number;

/** Loads the margins into memory; without a table every margin is unknown. */
export async function loadMargins(lake: Lakehouse): Promise<Margins> {
  const known = new Map<string, number>();
  if (await tableExists(lake, MARGINS_TABLE)) {
    const rows = await records(
      lake,
      `select cast(product_id as varchar) as product, margin from ${MARGINS_TABLE}`,
    );
    for (const { product, margin } of rows) known.set(String(product), Number(margin));
  }
  return (product, unknown) => known.get(String(product)) ?? unknown;
}
