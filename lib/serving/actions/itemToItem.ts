import {
  type Column,
  type Lakehouse,
  overwriteTable,
  records,
  tableExists,
} from "clickstream/lakehouse";

/** Name of the table in the database `clickstream`. */
export const ITEM_TO_ITEM_TABLE = "electronics_item_to_item";

/** Which products go with which: looked at together, or bought together. */
export type Relation = "co_view" | "co_purchase";

/** Columns of {@link ITEM_TO_ITEM_TABLE}: a row per product, relation and rank. */
export const itemToItemColumns: readonly Column[] = [
  column("product_id", "long", "the product a customer is at"),
  column("relation", "string", "co_view: looked at together; co_purchase: bought together"),
  column("rank", "integer", "from 1, best first"),
  column("other_product_id", "long", "the product that goes with it"),
  column("together", "long", "carts that hold both; 0: a popular product stands in"),
  column("score", "double", "together over the root of both products' carts; null for a stand-in"),
];

function column(name: string, type: Column["type"], comment: string): Column {
  return { name, type, comment, nullable: name === "score" };
}

/** How {@link itemToItemSql} counts. */
export interface ItemToItemOptions {
  /** Table or parenthesised query of silver events. @default electronics_events_silver */
  events?: string;
  /** Others kept a product and relation. @default 6 */
  keep?: number;
  /** Carts with more distinct products are left out: they are robots or resellers. @default 50 */
  largestCart?: number;
}

/**
 * DuckDB SQL of the item-to-item table. Alternatives are products of the same category that were
 * viewed in the same carts, complements products bought in the same carts; they are ranked by the
 * cosine of their carts. What is missing up to `keep` is filled with popular ones: for co_view of
 * the same category, nearest in price first; for co_purchase best sellers of other categories.
 */
export function itemToItemSql(options: ItemToItemOptions = {}): string {
  const { events = "electronics_events_silver", keep = 6, largestCart = 50 } = options;
  return `with events as (
  select user_id, user_session, product_id, event_type, category_id, category_code, price
  from ${events} as event where user_session is not null
), products as (
  select product_id, coalesce(arg_max(category_code, category_code is not null),
      cast(any_value(category_id) as varchar)) as category,
    coalesce(median(price), 0) as price,
    count(*) as seen, count_if(event_type = 'purchase') as sold
  from events group by product_id
), ${pairsSql("co_view", "view", largestCart)},
${pairsSql("co_purchase", "purchase", largestCart)},
favourites as (
  select *, row_number() over (partition by category order by seen desc, product_id) as place
  from products qualify place <= ${5 * keep}
), sellers as (
  select * from products where sold > 0 order by sold desc, product_id limit ${5 * keep}
), candidates as (
  select product_id, 'co_view' as relation, other_product_id, together, score, 0 as stand_in
  from co_view_pairs join products as a using (product_id)
  join products as b on b.product_id = other_product_id and b.category = a.category
  union all
  select product_id, 'co_purchase', other_product_id, together, score, 0 from co_purchase_pairs
  union all
  select product.product_id, 'co_view', other.product_id, 0,
    -abs(ln(greatest(other.price, 0.01) / greatest(product.price, 0.01))), 1
  from products as product join favourites as other using (category)
  where product.product_id <> other.product_id
  union all
  select product.product_id, 'co_purchase', other.product_id, 0, other.sold, 1
  from products as product join sellers as other on other.category <> product.category
), best as (
  select product_id, relation, other_product_id, together, stand_in, score from candidates
  qualify row_number() over (
    partition by product_id, relation, other_product_id order by stand_in) = 1
), ranked as (
  select *, row_number() over (partition by product_id, relation
    order by stand_in, score desc, other_product_id) as rank from best
)
select product_id, relation, cast(rank as integer) as rank, other_product_id,
  cast(together as bigint) as together,
  case when stand_in = 0 then cast(score as double) end as score
from ranked where rank <= ${keep}
order by product_id, relation, rank`;
}

/** Common table expressions: carts that hold products by `type`, and pairs of them. */
function pairsSql(name: Relation, type: string, largestCart: number): string {
  return `${name}_carts as (
  select distinct user_id, user_session, product_id from events where event_type = '${type}'
), ${name}_small as (
  select * from ${name}_carts
  qualify count(*) over (partition by user_id, user_session) <= ${largestCart}
), ${name}_counts as (
  select product_id, count(*) as carts from ${name}_small group by product_id
), ${name}_pairs as (
  select a.product_id, b.product_id as other_product_id, count(*) as together,
    count(*) / sqrt(any_value(ca.carts) * any_value(cb.carts)) as score
  from ${name}_small as a
  join ${name}_small as b using (user_id, user_session)
  join ${name}_counts as ca on ca.product_id = a.product_id
  join ${name}_counts as cb on cb.product_id = b.product_id
  where a.product_id <> b.product_id
  group by a.product_id, b.product_id
)`;
}

/**
 * Makes the item-to-item table anew from silver.
 *
 * @returns its rows
 */
export async function publishItemToItem(
  lake: Lakehouse,
  options: ItemToItemOptions = {},
): Promise<number> {
  await overwriteTable(lake, ITEM_TO_ITEM_TABLE, { sql: itemToItemSql(options) }, {
    columns: [...itemToItemColumns],
    description: "alternatives (co-view) and complements (co-purchase) of each product",
  });
  const [row] = await records(lake, `select count(*) as n from ${ITEM_TO_ITEM_TABLE}`);
  return Number(row!.n);
}

/** Answers the products that go with one, best first; empty when there are none. */
export type Neighbours = (product: bigint, relation: Relation) => readonly bigint[];

/** Loads the item-to-item table into memory; answers nothing when it was not made yet. */
export async function loadNeighbours(lake: Lakehouse): Promise<Neighbours> {
  const known = new Map<string, string[]>();
  if (await tableExists(lake, ITEM_TO_ITEM_TABLE)) {
    const rows = await records(
      lake,
      `select cast(product_id as varchar) || relation as key,
        list(cast(other_product_id as varchar) order by rank) as others
      from ${ITEM_TO_ITEM_TABLE} group by all`,
    );
    for (const row of rows) known.set(String(row.key), row.others as string[]);
  }
  return (product, relation) => known.get(`${product}${relation}`)?.map(BigInt) ?? [];
}
