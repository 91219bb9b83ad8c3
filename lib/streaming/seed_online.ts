import { execute, type Lakehouse, records } from "clickstream/lakehouse";
import { expiredSql, inferenceTable, metricSets } from "clickstream/metrics";
import {
  containerOf,
  createContainers,
  documentsSql,
  type OnlineDocument,
  type OnlineStore,
  overwriteDocuments,
  PRODUCT_ATTRIBUTES_TABLE,
  productDocumentsSql,
} from "clickstream/online";
import type { HistoryFile } from "./state_file.ts";
import { LATENESS_MICROS } from "./watermark.ts";

/** Documents written at a time; small enough for progress to move. */
const CHUNK = 10_000;

/** How {@link seedOnlineStore} tells how far it is. */
export interface SeedOptions {
  /** Called after every chunk with the documents written and those there are to write. */
  onProgress?: (written: number, total: number) => void;
}

/** The containers of the online store: one per feature table. */
export const onlineTables: readonly string[] = [
  ...metricSets.map(inferenceTable),
  PRODUCT_ATTRIBUTES_TABLE,
];

/**
 * Fills the online store with what the `__inference` tables hold at the cutoff, except keys that
 * have expired by then. Every document is written whole, so a second run ends with the same.
 *
 * @returns documents by container
 * @throws {OnlineStoreError} when the store cannot be written
 */
export async function seedOnlineStore(
  lake: Lakehouse,
  store: OnlineStore,
  history: HistoryFile,
  options: SeedOptions = {},
): Promise<Record<string, number>> {
  await createContainers(store, [...onlineTables]);
  const sources = seedSources(history);
  const rows: Record<string, number> = {};
  for (const { table, sql } of sources) {
    await execute(lake, `create or replace temp table ${seedTable(table)} as ${sql}`);
    const [row] = await records(lake, `select count(*) as n from ${seedTable(table)}`);
    rows[table] = Number(row!.n);
  }
  const total = Object.values(rows).reduce((sum, n) => sum + n, 0);
  let written = 0;
  for (const { table } of sources) {
    const container = containerOf(store, table);
    const read = (from: number) =>
      records(
        lake,
        `select * from ${seedTable(table)} where rowid >= ${from} and rowid < ${from + CHUNK}`,
      );
    let next = read(0);
    for (let from = 0; from < rows[table]!; from += CHUNK) {
      const documents = await next;
      next = read(from + CHUNK); // while these are being written
      await overwriteDocuments(container, documents as OnlineDocument[]);
      written += documents.length;
      options.onProgress?.(written, total);
    }
    await next;
    await execute(lake, `drop table ${seedTable(table)}`);
  }
  return rows;
}

const seedTable = (table: string) => `seed__${table}`;

function seedSources(history: HistoryFile): { table: string; sql: string }[] {
  const watermark = history.newestEventTime === null
    ? null
    : `make_timestamp(${history.newestEventTime - LATENESS_MICROS})`;
  const sets = metricSets.map((set) => {
    const table = inferenceTable(set);
    const unexpired = watermark === null ? "true" : `not ${expiredSql(set, watermark)}`;
    return { table, sql: documentsSql(set, `(select * from ${table} where ${unexpired})`) };
  });
  const products = productDocumentsSql(PRODUCT_ATTRIBUTES_TABLE);
  return [...sets, { table: PRODUCT_ATTRIBUTES_TABLE, sql: products }];
}
