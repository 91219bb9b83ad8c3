import {
  deleteFrom,
  type Lakehouse,
  mergeInto,
  overwriteTable,
  records,
} from "clickstream/lakehouse";
import {
  currentSql,
  historySql,
  inferenceColumns,
  inferenceTable,
  metricSet,
  timestampSql,
  trainingTable,
  valueColumns,
} from "clickstream/metrics";
import {
  containerOf,
  deleteDocuments,
  documentsSql,
  type OnlineDocument,
  overwriteDocuments,
  productDocumentsSql,
} from "clickstream/online";
import { lastBatch } from "./daily.ts";
import type { ForgetOptions } from "./forget.ts";
import { midnightBefore } from "./history.ts";
import { attributesOrderSql } from "./product_attributes.ts";
import { readStaged } from "./staging.ts";
import { attributeColumns, TABLES } from "./tables.ts";

const PRODUCT = metricSet("product");

/** Counts the products that a user had to do with anew, over everybody else's events. */
export async function withoutUser(options: ForgetOptions): Promise<void> {
  const { lake, config, user } = options;
  const found = await records(
    lake,
    `select distinct product_id from ${TABLES.silver} where user_id = ${user}`,
  );
  if (found.length === 0) return;
  const products = `product_id in (${found.map((row) => row.product_id).join(", ")})`;
  const others = `select * from ${TABLES.silver} where ${products} and user_id <> ${user}`;
  const { midnight } = lastBatch(config);
  const counted = `(${others} and event_time < ${timestampSql(midnight)})`;
  await recount(options, inferenceTable(PRODUCT), products, {
    fresh: countsSql(counted),
    documents: (rows) => documentsSql(PRODUCT, rows),
  });
  await recount(options, TABLES.attributes, products, {
    fresh: `select ${attributeColumns.map((c) => c.name).join(", ")} from (${others})
      qualify row_number() over (partition by product_id order by ${attributesOrderSql}) = 1`,
    documents: productDocumentsSql,
  });
  await recountHistory(lake, products, others);
}

/** Current counts; time and version stay those of the batch that wrote the row. */
function countsSql(events: string): string {
  const values = valueColumns(PRODUCT);
  const columns = inferenceColumns(PRODUCT).map(({ name }) =>
    name === "product_id" ? name : `${values.includes(name) ? "fresh" : "held"}.${name}`
  );
  return `select ${columns.join(", ")} from (${currentSql(PRODUCT, events)}) as fresh
    join ${inferenceTable(PRODUCT)} as held using (product_id)`;
}

/** Replaces rows and documents of products by fresh ones; those without any go. */
async function recount(
  { lake, store }: ForgetOptions,
  table: string,
  products: string,
  { fresh, documents }: { fresh: string; documents: (rows: string) => string },
): Promise<void> {
  const kept = (await records(lake, fresh)).map((row) => row.product_id);
  await mergeInto(lake, table, { sql: fresh }, { keys: ["product_id"] });
  const gone = kept.length === 0
    ? products
    : `${products} and product_id not in (${kept.join(", ")})`;
  const ids = await records(lake, `select product_id from ${table} where ${gone}`);
  await deleteFrom(lake, table, gone);
  await deleteDocuments(containerOf(store, table), ids.map((row) => String(row.product_id)));
  const rows = await records(lake, documents(`(select * from ${table} where ${products})`));
  await overwriteDocuments(containerOf(store, table), rows as OnlineDocument[]);
}

async function recountHistory(lake: Lakehouse, products: string, others: string): Promise<void> {
  const { cutoff } = await readStaged(lake);
  const known = `(${others} and partition is null and event_time < ${
    timestampSql(midnightBefore(cutoff))
  })`;
  await overwriteTable(lake, trainingTable(PRODUCT), { sql: historySql(PRODUCT, known) }, {
    replaceWhere: products,
  });
}
