import type { ShopEvent } from "clickstream/events";
import type { OnlineDocument } from "clickstream/online";
import { formatTime, parseTime } from "clickstream/events";

/** What is known of a product, from its newest event. */
export interface ProductAttributes {
  product_id: bigint;
  category_id: bigint | null;
  category_code: string | null;
  brand: string | null;
  price: number | null;
  /** Microseconds since 1970. */
  eventTime: number;
}

/**
 * Whether one event's attributes replace another's: newer ones do; of equally new ones the
 * greater price, category and brand, so that the order of arrival does not matter.
 */
export function replaces(candidate: ProductAttributes, held: ProductAttributes): boolean {
  return compare(rank(candidate), rank(held)) > 0;
}

/** The same order as {@link replaces}, as DuckDB SQL: the first row of a product wins. */
export const attributesOrderSql =
  "event_time desc, price desc nulls last, category_id desc nulls last, " +
  "category_code desc nulls last, brand desc nulls last";

/** {@link replaces} as a condition over two rows, as DuckDB SQL. */
export function replacesSql(candidate: string, held: string): string {
  const columns = attributesOrderSql.split(", ").map((part) => part.split(" ")[0]!);
  return columns.map((column, i) => {
    const [theirs, ours] = [`${held}.${column}`, `${candidate}.${column}`];
    const equal = columns.slice(0, i).map((c) =>
      `${candidate}.${c} is not distinct from ${held}.${c}`
    );
    const greater = `(${ours} > ${theirs} or (${theirs} is null and ${ours} is not null))`;
    return `(${[...equal, greater].join(" and ")})`;
  }).join(" or ");
}

/** The attributes that an event carries. */
export function attributesOf(event: ShopEvent): ProductAttributes {
  const { product_id, category_id, category_code, brand, price } = event;
  return {
    product_id,
    category_id,
    category_code,
    brand,
    price,
    eventTime: Number(event.event_time),
  };
}

/** The product's online document. Its version is event time: events of a product come from all partitions. */
export function attributesDocument(attributes: ProductAttributes): OnlineDocument {
  const { product_id, category_id, category_code, brand, price, eventTime } = attributes;
  return {
    id: String(product_id),
    product_id: String(product_id),
    category_id: category_id === null ? null : String(category_id),
    category_code,
    brand,
    price,
    event_time: formatTime(eventTime),
    version: Math.floor(eventTime / 1000),
  };
}

/** The attributes that a product's online document holds. */
export function documentAttributes(document: OnlineDocument): ProductAttributes {
  const { id, category_id, category_code, brand, price, event_time } = document;
  return {
    product_id: BigInt(id),
    category_id: category_id == null ? null : BigInt(category_id),
    category_code: category_code as string | null,
    brand: brand as string | null,
    price: price as number | null,
    eventTime: Number(parseTime(event_time as string)),
  };
}

type Ranked = number | bigint | string | null;

function rank(a: ProductAttributes): Ranked[] {
  return [a.eventTime, a.price, a.category_id, a.category_code, a.brand];
}

function compare(a: Ranked[], b: Ranked[]): number {
  for (let i = 0; i < a.length; i++) {
    const [left, right] = [a[i]!, b[i]!];
    if (left === right) continue;
    if (left === null || left === undefined) return -1;
    if (right === null || right === undefined) return 1;
    return left < right ? -1 : 1;
  }
  return 0;
}
