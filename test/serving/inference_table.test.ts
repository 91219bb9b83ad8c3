import assert from "node:assert/strict";
import { join } from "node:path";
import { closeLakehouse, openLakehouse, records } from "clickstream/lakehouse";
import { inferenceLog } from "../../lib/serving/inferenceLog.ts";
import { inferenceWriter } from "../../lib/serving/inferenceTable.ts";
import { withHome } from "../support.ts";
import { BIG, send, smallStore, withServer } from "./support.ts";

Deno.test("What was scored is read back from the Delta table inference_log, ids with every digit", async () => {
  await withHome(async (home) => {
    const lake = await openLakehouse(join(home, "lakehouse"), { threads: 1 });
    const log = inferenceLog({ write: inferenceWriter(lake), flushMs: 0 });
    const keys = { user_id: BIG, user_session: "a 'quoted' ü|1", product_id: -BIG };
    const lookUp = smallStore([
      [keys, { features: { cart__events: 2, brand: "acer" } }],
      [{ ...keys, product_id: 8n }, { alreadyPurchased: true }],
    ]);
    await withServer({ inferenceLog: log, lookUp }, async ({ url }) => {
      const row = { ...keys, user_id: String(BIG), event_time: "2021-02-01T12:00:01.5Z" };
      const body = {
        dataframe_records: [{ ...row, product_id: String(-BIG) }, { ...row, product_id: 8 }],
      };
      await send(`${url}/invocations`, "POST", body, { "x-request-id": "r-1" });
      await log.flush();
      const given = { cart__events: 1, cart_product__purchases: 0, price: null, brand: null };
      await send(`${url}/invocations`, "POST", { inputs: given }, { "x-request-id": "r-2" });
    });
    const rows = await records(
      lake,
      `select * exclude (received_ts, cached_ms, score, request_time),
        epoch_us(request_time) as request_time, score > 0 as scored
      from inference_log order by request_id, request_row`,
    );
    const common = {
      endpoint: null,
      user_id: BIG,
      user_session: keys.user_session,
      request_time: 1_612_180_801_500_000n,
      store_down: false,
      model_name: "small",
      model_version: 1n,
      action: null,
    };
    assert.deepEqual(rows[0], {
      ...common,
      request_id: "r-1",
      request_row: 0,
      product_id: -BIG,
      features: JSON.stringify({
        cart__events: 2,
        cart_product__purchases: null,
        price: null,
        brand: "acer",
        event_time: "2021-02-01T12:00:01.500Z",
      }),
      feature_ages: '{"cart":1.5,"product_attributes":null}',
      defaults: "[]",
      already_purchased: false,
      scored: true,
    });
    const { request_row, product_id, already_purchased, scored } = rows[1]!;
    assert.deepEqual([request_row, product_id, already_purchased, scored], [1, 8n, true, null]);
    assert.deepEqual([rows[2]!["user_id"], rows[2]!["request_time"]], [null, null]);
    await closeLakehouse(lake);
  });
});
