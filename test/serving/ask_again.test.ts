import assert from "node:assert/strict";
import pl from "nodejs-polars";
import { askAgain, connectServing } from "clickstream/serving";
import { inferenceLog, type InferenceRecord } from "../../lib/serving/inferenceLog.ts";
import { BIG, TOKEN, withServer } from "./support.ts";

Deno.test("moments that passed are asked about with their own features, ids with every digit, gaps as null", async () => {
  const written: InferenceRecord[] = [];
  const log = inferenceLog({
    flushMs: 0,
    write: (records) => Promise.resolve(void written.push(...records)),
  });
  const inputs = ["cart__events", "cart_product__purchases", "price", "brand", "event_time"];
  const ids = [BIG, BIG + 1n, BIG + 2n];
  const rows = pl.DataFrame({
    user_id: pl.Series("user_id", ids.map(String)).cast(pl.Int64),
    user_session: ["a", "b", null],
    product_id: pl.Series("product_id", ids.map(String)).cast(pl.Int64),
    event_time: pl.Series("event_time", ids.map((_, i) => new Date(1000 * i))),
    label: [0, 1, 0],
    cart__events: [1, NaN, 3],
    cart_product__purchases: [0, 0, 0],
    price: [1.5, null, 2],
    brand: ["x", null, "y"],
  });
  // The store would fail: nothing may be looked up.
  const lookUp = () => Promise.reject(new Error("not to be asked"));
  await withServer({ lookUp, inferenceLog: log }, async ({ url }) => {
    const client = connectServing({ url, token: TOKEN });
    await client.createEndpoint({ name: "again", model: "small" });
    await client.waitUntilReady("again");
    assert.equal(await askAgain(client, "again", rows, { inputs, batch: 2 }), 3);
  });
  const scored = written.map(({ scored }) => scored);
  assert.deepEqual(scored.map(({ keys }) => keys!.user_id), ids);
  assert.deepEqual(scored.map(({ keys }) => keys!.user_session), ["a", "b", null]);
  assert.deepEqual(scored.map(({ eventTime }) => eventTime), [0n, 1_000_000n, 2_000_000n]);
  assert.deepEqual(scored.map(({ inputs }) => inputs["cart__events"]), [1, null, 3]);
  assert.deepEqual(scored.map(({ failure }) => failure), [null, null, null]);
});
