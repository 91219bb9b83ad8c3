import {
  type Lakehouse,
  mergeInto,
  quoteText,
  records,
  snapshot,
  tableAt,
  type TransactionId,
} from "clickstream/lakehouse";
import {
  counters,
  expiredSql,
  inferenceTable,
  isTime,
  keptColumns,
  type MetricSet,
  type StateValue,
} from "clickstream/metrics";
import { ColumnBuffer, type ColumnReaders } from "./columns.ts";
import { committedPositions } from "./event_tables.ts";
import type { KeyedState, StateKey, StoredKey } from "./keyed_state.ts";
import type { Positions } from "./positions.ts";
import { type ProductAttributes, replacesSql } from "./product_attributes.ts";
import { holdsUser, type Share } from "./share.ts";
import { attributeColumns, TABLES } from "./tables.ts";

/**
 * Merges the current values of changed keys into a set's gold table.
 *
 * @param columns the values, as {@link KeyedState.columns} gives them
 * @param now microseconds since 1970
 * @param txn from {@link transactions}: what the table has taken in afterwards
 */
export async function mergeState(
  lake: Lakehouse,
  set: MetricSet,
  columns: Record<string, unknown[]>,
  txn: readonly TransactionId[],
  now: number,
): Promise<void> {
  const current_ts = columns.version!.map(() => now);
  const source = { columns: { ...columns, current_ts } };
  await mergeInto(lake, inferenceTable(set), source, { keys: [...set.keys], txn });
}

/** Merges attributes of products into electronics_product_attributes, where newer ones are not there. */
export async function mergeAttributes(
  lake: Lakehouse,
  products: readonly ProductAttributes[],
  txn: readonly TransactionId[],
): Promise<void> {
  const buffer = new ColumnBuffer(attributeColumns, ATTRIBUTE_READERS);
  for (const product of products) buffer.push(product);
  await mergeInto(lake, TABLES.attributes, { columns: buffer.columns }, {
    keys: ["product_id"],
    whenMatched: { update: "all", condition: replacesSql("source", "target") },
    txn,
  });
}

const ATTRIBUTE_READERS: ColumnReaders<ProductAttributes> = {
  product_id: (product) => product.product_id,
  category_id: (product) => product.category_id,
  category_code: (product) => product.category_code,
  brand: (product) => product.brand,
  price: (product) => product.price,
  event_time: (product) => product.eventTime,
};

/**
 * Fills the state of a set from gold: unexpired keys are held, expired ones only remembered.
 *
 * @param share keys of its users only; null for all
 * @returns the positions of the query that those rows have taken in
 */
export async function loadState(
  lake: Lakehouse,
  state: KeyedState,
  watermark: number,
  share: Share | null,
): Promise<Positions> {
  const name = inferenceTable(state.set);
  const { version } = await snapshot(lake, name);
  const table = await tableAt(lake, name, { version });
  const expired = expiredSql(state.set, `make_timestamp(${Math.round(watermark)})`);
  const condition = Number.isFinite(watermark) ? expired : "false";
  const isOurs = (row: Record<string, unknown>) =>
    share === null || holdsUser(share, row.user_id as bigint);
  for (const row of await records(lake, storedSql(state.set, `${table} where not ${condition}`))) {
    if (isOurs(row)) state.restore(storedKey(state.set, row));
  }
  const keys = state.set.keys.join(", ");
  for (const row of await records(lake, `select ${keys} from ${table} where ${condition}`)) {
    if (isOurs(row)) state.rememberEvicted(row as unknown as StateKey);
  }
  return await committedPositions(lake, name, version);
}

/** Of more keys a list is looked through for longer than the other columns take to be read. */
const FEW_KEYS = 32;

/** Reads the stored values of keys that come back after their eviction. */
export async function readStored(
  lake: Lakehouse,
  set: MetricSet,
  keys: readonly StateKey[],
): Promise<StoredKey[]> {
  const rows = await records(
    lake,
    storedSql(set, `${inferenceTable(set)} where ${isAmong(set, keys)}`),
  );
  return rows.map((row) => storedKey(set, row));
}

/**
 * SQL condition that a row is of one of these keys. A list of few users is tested while that column
 * is read, and the other columns, the rest of the key among them, are read only for the few rows that
 * pass. IN has DuckDB 1.5 read all of them first, which for four keys in 600,000 rows takes three
 * times as long.
 */
function isAmong(set: MetricSet, keys: readonly StateKey[]): string {
  const text = (value: bigint | string) =>
    typeof value === "bigint" ? `cast(${value} as bigint)` : quoteText(value);
  const key = `(${set.keys.join(", ")})`;
  const wanted = keys.map((each) => `(${set.keys.map((column) => text(each[column])).join(", ")})`);
  if (keys.length > FEW_KEYS) return `${key} in (${wanted.join(", ")})`;
  const users = [...new Set(keys.map((each) => text(each.user_id)))];
  return `list_contains([${users.join(", ")}], user_id) and
    list_contains([${wanted.join(", ")}], ${key})`;
}

function storedSql(set: MetricSet, from: string): string {
  const further = set.further.map((f) => isTime(f) ? `epoch_us(${f.name}) as ${f.name}` : f.name);
  const columns = [...set.keys, ...counters.map((c) => c.name), ...further, ...keptColumns(set)];
  return `select ${columns.join(", ")},
  epoch_us(event_time) as event_micros, epoch_us(ingest_ts) as ingest_micros, version from ${from}`;
}

function storedKey(set: MetricSet, row: Record<string, unknown>): StoredKey {
  return {
    user_id: row.user_id as bigint,
    user_session: row.user_session as string,
    product_id: (row.product_id as bigint | undefined) ?? 0n,
    counts: counters.map((counter) => Number(row[counter.name])),
    eventTime: Number(row.event_micros),
    further: Object.fromEntries(
      [...set.further.map((f) => f.name), ...keptColumns(set)].map((name) => {
        const value = row[name] as StateValue | bigint;
        return [name, typeof value === "bigint" ? Number(value) : value];
      }),
    ),
    ingestTime: Number(row.ingest_micros),
    version: Number(row.version),
  };
}
