import assert from "node:assert/strict";
import {
  closeLakehouse,
  createTable,
  execute,
  openLakehouse,
  records,
} from "clickstream/lakehouse";
import {
  ITEM_TO_ITEM_TABLE,
  itemToItemSql,
  loadNeighbours,
  publishItemToItem,
} from "../../lib/serving/actions/itemToItem.ts";
import { withHome } from "../support.ts";

/** Events as `user session product type category price`, one a line. */
const EVENTS = `
1 a 10 view kettles 20
1 a 11 view kettles 22
1 a 10 purchase kettles 20
1 a 20 purchase cups 5
2 b 10 view kettles 20
2 b 11 view kettles 22
2 b 12 view kettles 90
3 a 10 view kettles 20
3 a 20 view cups 5
3 a 20 purchase cups 5
4 - 10 view kettles 20
4 - 12 view kettles 90
5 c 13 view kettles 21`.trim().split("\n").map((line) => line.split(" "));

const SQL = EVENTS.map(([user, session, product, type, category, price]) =>
  `select ${user}::bigint as user_id, ${session === "-" ? "null" : `'${session}'`} as user_session,
    ${product}::bigint as product_id, '${type}' as event_type, 1::bigint as category_id,
    '${category}' as category_code, ${price}::double as price`
).join(" union all ");

Deno.test("alternatives were viewed together, complements bought together, popular ones stand in", async () => {
  await withHome(async (home) => {
    const lake = await openLakehouse(home, { threads: 1 });
    try {
      await execute(lake, `create table made as ${SQL}`);
      const rows = await records(lake, itemToItemSql({ events: "made", keep: 3 }));
      const of = (product: bigint, relation: string) =>
        rows.filter((row) => row.product_id === product && row.relation === relation)
          .map((row) => [Number(row.other_product_id), Number(row.together)]);
      // 10 and 11 share two carts of sessions; the event without a session joins nothing.
      assert.deepEqual(of(10n, "co_view"), [[11, 2], [12, 1], [13, 0]]);
      assert.deepEqual(of(10n, "co_purchase"), [[20, 1]]);
      // By ratio 21 is nearer to 22 than to 20.
      assert.deepEqual(of(13n, "co_view").map(([other]) => other), [11, 10, 12]);
      assert.deepEqual(of(20n, "co_purchase"), [[10, 1]]);
      const scored = rows.find((r) => r.product_id === 10n && r.other_product_id === 11n)!;
      assert.ok(Math.abs(Number(scored.score) - 2 / Math.sqrt(3 * 2)) < 1e-12);
    } finally {
      await closeLakehouse(lake);
    }
  });
});

Deno.test("the table can be made again and is read into memory with every digit", async () => {
  await withHome(async (home) => {
    const lake = await openLakehouse(home, { threads: 1 });
    try {
      assert.deepEqual((await loadNeighbours(lake))(10n, "co_view"), []);
      await execute(
        lake,
        `create table made as ${SQL.replaceAll("11::", "9223372036854775807::")}`,
      );
      const made = await publishItemToItem(lake, { events: "made" });
      assert.equal(await publishItemToItem(lake, { events: "made" }), made);
      const neighbours = await loadNeighbours(lake);
      assert.equal(neighbours(10n, "co_view")[0], 9223372036854775807n);
      await assert.rejects(createTable(lake, ITEM_TO_ITEM_TABLE, { columns: [] }));
    } finally {
      await closeLakehouse(lake);
    }
  });
});
