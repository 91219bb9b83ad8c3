import type { DataFrame } from "nodejs-polars";
import type { Lakehouse } from "clickstream/lakehouse";
import { quoteText, records } from "clickstream/lakehouse";

/** Moments at which a shop may act, carts one after the other, each in the order of time. */
export interface Moments {
  count: number;
  /** Number of the cart, from 0. */
  cart: Uint32Array;
  carts: number;
  /** Number of the product in its cart, from 0 over all carts. */
  item: Uint32Array;
  items: number;
  propensity: Float64Array;
  /** List price; 0 where it is not known. */
  price: Float64Array;
  /** Share of the price. */
  margin: Float64Array;
}

/**
 * What customers would do, which only a synthetic shop knows. For trials and for judging policies;
 * nothing that decides may read it.
 */
export interface Customers {
  /** P(purchase) at each moment without a discount, given what was in the cart by then. */
  chance: Float64Array;
  /** What a unit of -ln(1 - discount) adds to the log odds, at each moment. */
  response: Float64Array;
  /** P(purchase) of each item from its beginning, without a discount. */
  itemChance: Float64Array;
}

/**
 * Turns scored rows (user_id, user_session, product_id, event_time, price, cart_product__carts)
 * into moments with their margins, and with the synthetic customers behind them.
 *
 * @param rows labelled or served rows; those without truth are left out
 * @param propensity the model's score of each row
 * @param truth parquet file of the synthetic shop's ground truth
 */
export async function momentsWithCustomers(
  lake: Lakehouse,
  rows: DataFrame,
  propensity: ArrayLike<number>,
  truth: string,
): Promise<{ moments: Moments; customers: Customers }> {
  const { default: pl } = await import("nodejs-polars");
  const columns = ["user_id", "user_session", "product_id", "event_time", "price"];
  const scored = rows.select(...columns, "cart_product__carts")
    .withColumns(pl.Series("propensity", Float64Array.from(propensity), pl.Float64));
  const file = `${lake.scratch}/${crypto.randomUUID()}.parquet`;
  scored.writeParquet(file);
  try {
    return read(await records(lake, momentsSql(file, truth)));
  } finally {
    await Deno.remove(file).catch(() => {});
  }
}

/** A list a column, so that rows do not become objects. */
function momentsSql(rows: string, truth: string): string {
  const lists = [
    "cart",
    "item",
    "propensity",
    "price",
    "margin",
    "chance",
    "response",
    "itemChance",
  ]
    .map((name) => `list(${name} order by n) as ${name}`);
  return `with joined as (
  select user_id, user_session, product_id, event_time, propensity,
    coalesce(scored.price, 0) as price, margin,
    case when cart_product__carts > 0 then completion_probability
      else purchase_probability end as chance,
    discount_response as response, purchase_probability as itemChance
  from read_parquet(${quoteText(rows)}) as scored
  join read_parquet(${quoteText(truth)}) as truth
    using (user_id, user_session, product_id)
), numbered as (
  select *, dense_rank() over (order by user_id, user_session) - 1 as cart,
    dense_rank() over (order by user_id, user_session, product_id) - 1 as item,
    row_number() over (order by user_id, user_session, event_time, product_id) as n
  from joined
)
select ${lists.join(", ")} from numbered`;
}

function read(rows: Record<string, unknown>[]): { moments: Moments; customers: Customers } {
  const of = (name: string) => Float64Array.from((rows[0]?.[name] ?? []) as number[], Number);
  const cart = Uint32Array.from(of("cart"));
  const item = Uint32Array.from(of("item"));
  const items = item.reduce((most, each) => Math.max(most, each + 1), 0);
  const itemChance = new Float64Array(items);
  of("itemChance").forEach((chance, i) => itemChance[item[i]!] = chance);
  return {
    moments: {
      count: cart.length,
      cart,
      carts: (cart.at(-1) ?? -1) + 1,
      item,
      items,
      propensity: of("propensity"),
      price: of("price"),
      margin: of("margin"),
    },
    customers: { chance: of("chance"), response: of("response"), itemChance },
  };
}
