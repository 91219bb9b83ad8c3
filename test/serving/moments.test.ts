import assert from "node:assert/strict";
import { join } from "node:path";
import { closeLakehouse, openLakehouse, query, records } from "clickstream/lakehouse";
import { loadMargins, publishMargins } from "../../lib/serving/actions/margins.ts";
import { momentsWithCustomers } from "../../lib/serving/actions/moments.ts";
import { withHome } from "../support.ts";

const BIG = "9223372036854775807";

/** User 1 looks at 7, then at a big id, then puts 7 into the cart; user 2 looks at 7. */
const ROWS = [
  [2, "b", "7", 4, "null", 0],
  [1, "a", "7", 3, "20.0", 1],
  [1, "a", BIG, 2, "50.0", 0],
  [1, "a", "7", 1, "20.0", 0],
].map(([user, session, product, second, price, carts]) =>
  `select ${user}::bigint as user_id, '${session}' as user_session, ${product}::bigint as product_id,
    make_timestamp(${second}000000) as event_time, ${price}::double as price,
    ${carts}::bigint as cart_product__carts`
).join(" union all ");

const TRUTH = [[1, "a", "7", 0.1], [1, "a", BIG, 0.2], [2, "b", "7", 0.1], [3, "c", "8", 0.3]]
  .map(([user, session, product, margin]) =>
    `select ${user}::bigint as user_id, '${session}' as user_session,
      ${product}::bigint as product_id, ${margin}::double as margin, 0.5 as completion_probability,
      0.05 as purchase_probability, 4.0 as discount_response`
  ).join(" union all ");

Deno.test("scored rows become moments in the order of time, with the customers behind them", async () => {
  await withHome(async (home) => {
    const lake = await openLakehouse(home, { threads: 1 });
    try {
      const truth = join(home, "it's true.parquet");
      (await query(lake, TRUTH)).writeParquet(truth);
      const rows = await query(lake, ROWS);
      const scores = [0.4, 0.3, 0.2, 0.1];
      const { moments, customers } = await momentsWithCustomers(lake, rows, scores, truth);
      assert.deepEqual([moments.count, moments.carts, moments.items], [4, 2, 3]);
      assert.deepEqual([...moments.propensity], [0.1, 0.2, 0.3, 0.4]);
      assert.deepEqual([...moments.cart], [0, 0, 0, 1]);
      assert.deepEqual([...moments.item], [0, 1, 0, 2]);
      assert.deepEqual([...moments.price], [20, 50, 20, 0]);
      assert.deepEqual([...moments.margin], [0.1, 0.2, 0.1, 0.1]);
      // What is in the cart already is more likely to be bought.
      assert.deepEqual([...customers.chance], [0.05, 0.05, 0.5, 0.05]);
      const none = await momentsWithCustomers(lake, rows.head(0), [], truth);
      assert.deepEqual([none.moments.count, none.moments.carts], [0, 0]);
    } finally {
      await closeLakehouse(lake);
    }
  });
});

Deno.test("margins are published by product, and read with every digit", async () => {
  await withHome(async (home) => {
    const lake = await openLakehouse(home, { threads: 1 });
    try {
      const truth = join(home, "truth.parquet");
      (await query(lake, TRUTH)).writeParquet(truth);
      await publishMargins(lake, truth);
      await publishMargins(lake, truth);
      const [row] = await records(lake, "select count(*) as n from electronics_product_margins");
      assert.equal(row!.n, 3n);
      const margins = await loadMargins(lake);
      assert.deepEqual([margins(BigInt(BIG), 0.9), margins(404n, 0.9)], [0.2, 0.9]);
    } finally {
      await closeLakehouse(lake);
    }
  });
});
