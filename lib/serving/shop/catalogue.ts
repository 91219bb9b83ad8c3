import { type Lakehouse, records } from "clickstream/lakehouse";

/** A product as the shop shows it. */
export interface CatalogueProduct {
  product_id: string;
  category_id: string | null;
  /** Dotted path, such as `computers.components.videocards`. */
  category_code: string;
  brand: string | null;
  price: number;
  /** Whether it stands on a shelf, or is only shown when it goes with another one. */
  onShelf: boolean;
}

/** How much {@link readCatalogue} takes. */
export interface CatalogueOptions {
  /** @default 8 */
  categories?: number;
  /** Products of each category. @default 12 */
  products?: number;
}

/**
 * Every product of silver with a price. On the shelves, which come first, stand the categories with
 * the most events, in each the most looked-at products, best first; no category comes last. What a
 * product is, is what its newest event says.
 */
export async function readCatalogue(
  lake: Lakehouse,
  { categories = 8, products = 12 }: CatalogueOptions = {},
): Promise<CatalogueProduct[]> {
  const rows = await records(
    lake,
    `with product as (
      select product_id, arg_max(category_id, event_time) as category_id,
        coalesce(arg_max(category_code, event_time), 'other') as category_code,
        arg_max(brand, event_time) as brand, arg_max(price, event_time) as price,
        count(*) as events
      from electronics_events_silver group by product_id having price > 0
    ), shelf as (
      select *, sum(events) over (partition by category_code) as category_events,
        row_number() over (partition by category_code order by events desc, product_id) as place
      from product
    )
    select cast(product_id as varchar) as product_id, cast(category_id as varchar) as category_id,
      category_code, brand, price,
      place <= ${products} and dense_rank() over (
        order by category_code = 'other', category_events desc, category_code
      ) <= ${categories} as "onShelf"
    from shelf order by "onShelf" desc, category_code = 'other', category_events desc, category_code, place`,
  );
  return rows as unknown as CatalogueProduct[];
}
