import assert from "node:assert/strict";
import { operationsOf, percentiles } from "../../lib/serving/shop/operations.ts";
import { Shoppers, touch } from "../../lib/serving/shop/shoppers.ts";

function product(id: number) {
  return {
    product_id: String(id),
    category_id: null,
    category_code: "a.b",
    brand: null,
    price: 1,
    onShelf: true,
  };
}

Deno.test("each visit has a session and a user of its own, within int64", () => {
  const shoppers = new Shoppers();
  const [a, b] = [shoppers.enter(), shoppers.enter()];
  assert.notEqual(a.view.session, b.view.session);
  assert.ok(BigInt(a.view.user_id) < 2n ** 63n);
  assert.equal(shoppers.get(a.view.session), a);
  assert.throws(() => shoppers.get("<script>"), /visit has ended/);
});

Deno.test("what is in the cart stays in sight, the rest makes room for what is newer", () => {
  const { view } = new Shoppers().enter();
  touch(view, product(0), "cart");
  for (let i = 1; i < 10; i++) touch(view, product(i), "view");
  const ids = view.products.map(({ product_id }) => product_id);
  assert.deepEqual(ids, ["9", "8", "7", "6", "5", "4", "0"]);
  touch(view, product(0), "purchase");
  assert.deepEqual([view.products[0]!.inCart, view.products[0]!.bought], [false, true]);
});

Deno.test("percentiles are of the nearest rank, and none of nothing", () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  assert.deepEqual(percentiles(values), { count: 100, p50: 50, p95: 95, p99: 99 });
  assert.deepEqual(percentiles([]), { count: 0, p50: null, p95: null, p99: null });
  assert.equal(operationsOf({ latencies: [], errors: [] }, null)().state, "elsewhere");
});
