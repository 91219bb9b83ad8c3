import assert from "node:assert/strict";
import { BIG, send, smallStore, TOKEN, withServer } from "./support.ts";

const KEYS = { user_id: BIG, user_session: "s-1", product_id: 7n };
const store = smallStore([
  [KEYS, { features: { cart__events: 3, price: 9.5, brand: "acer" } }],
  [{ ...KEYS, user_id: BIG + 1n }, { features: { cart__events: 5 } }],
  [{ ...KEYS, product_id: 8n }, {
    features: { cart__events: 4, cart_product__purchases: 1 },
    alreadyPurchased: true,
  }],
]);
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const round = (values: number[]) => values.map((value) => Math.round(value * 1e6) / 1e6);
const byKeys = (...data: string[]) =>
  `{"dataframe_split": {"columns": ["user_id", "user_session", "product_id"], "data": [${data}]}}`;

Deno.test("Rows by keys are looked up and scored", async () => {
  await withServer({ lookUp: store }, async ({ url }) => {
    const { status, json } = await send(`${url}/invocations`, "POST", byKeys(`[${BIG}, "s-1", 7]`));
    assert.equal(status, 200);
    assert.deepEqual(round(json.predictions[0]), round([1 - sigmoid(0), sigmoid(0)]));
    assert.deepEqual(json.already_purchased, [false]);
    assert.deepEqual(json.defaults, [[]]);
    assert.deepEqual(json.model, { name: "small", version: "1" });
  });
});

Deno.test("Neighbouring ids beyond 2^53 are told apart, as literals and as text", async () => {
  await withServer({ lookUp: store }, async ({ url }) => {
    const ask = async (id: string) =>
      (await send(`${url}/invocations`, "POST", byKeys(`[${id}, "s-1", "7"]`))).json;
    for (const quote of ["", '"']) {
      const [own, next, other] = await Promise.all(
        [BIG, BIG + 1n, BIG + 2n].map((id) => ask(`${quote}${id}${quote}`)),
      );
      assert.deepEqual(round(own.predictions[0]), round([1 - sigmoid(0), sigmoid(0)]));
      assert.deepEqual(round(next.predictions[0]), round([1 - sigmoid(2), sigmoid(2)]));
      assert.deepEqual(other.defaults, [["cart", "product_attributes"]]);
    }
  });
});

Deno.test("A product already bought in that cart is marked and not scored", async () => {
  await withServer({ lookUp: store }, async ({ url }) => {
    const body = byKeys(`[${BIG}, "s-1", 8]`, `[${BIG}, "s-1", 7]`);
    const { json } = await send(`${url}/invocations`, "POST", body);
    assert.deepEqual(json.already_purchased, [true, false]);
    assert.equal(json.predictions[0], null);
    assert.equal(json.predictions[1].length, 2);
  });
});

Deno.test("All four formats of MLflow give the same answer", async () => {
  const row = { cart__events: 2, cart_product__purchases: 0, price: null, brand: "acer" };
  const columns = Object.keys(row);
  await withServer({}, async ({ url }) => {
    const bodies: Record<string, unknown>[] = [
      { dataframe_split: { index: [0], columns, data: [Object.values(row)] } },
      { dataframe_records: [row] },
      { instances: [row] },
      { inputs: Object.fromEntries(Object.entries(row).map(([name, value]) => [name, [value]])) },
      { inputs: row },
      { inputs: [row] },
    ];
    for (const body of bodies) {
      const { status, json } = await send(`${url}/invocations`, "POST", body);
      assert.equal(status, 200, JSON.stringify(json));
      assert.deepEqual(round(json.predictions[0]), round([1 - sigmoid(-1), sigmoid(-1)]));
    }
  });
});

Deno.test("Given features go before looked-up ones", async () => {
  await withServer({ lookUp: store }, async ({ url }) => {
    const body = {
      dataframe_records: [{
        user_id: String(BIG),
        user_session: "s-1",
        product_id: "7",
        cart__events: 9,
      }],
      params: { features: true },
    };
    const { json } = await send(`${url}/invocations`, "POST", body);
    assert.deepEqual(round(json.predictions[0]), round([1 - sigmoid(6), sigmoid(6)]));
    const { cart__events, price, brand } = json.features[0];
    assert.deepEqual({ cart__events, price, brand }, {
      cart__events: 9,
      price: 9.5,
      brand: "acer",
    });
  });
});

Deno.test("Request time is the row's event_time, else the stream's newest, never the clock", async () => {
  const streamTime = () => Promise.resolve(1_612_180_860_000_000n);
  await withServer({ lookUp: store, streamTime }, async ({ url }) => {
    const row = { user_id: String(BIG), user_session: "s-1", product_id: 7 };
    const { json } = await send(`${url}/invocations`, "POST", {
      dataframe_records: [{ ...row, event_time: "2021-02-01T12:00:10Z" }, row],
      params: { ages: true, features: true },
    });
    assert.deepEqual(json.ages.map((ages: { cart: number }) => ages.cart), [10, 60]);
    assert.deepEqual(json.features.map((row: { event_time: string }) => row.event_time), [
      "2021-02-01T12:00:10.000Z",
      "2021-02-01T12:01:00.000Z",
    ]);
  });
});

Deno.test("ping, health and version answer without a token, the rest does not", async () => {
  await withServer({}, async ({ url }) => {
    for (const path of ["/ping", "/health", "/version"]) {
      const response = await fetch(url + path);
      assert.equal(response.status, 200);
      await response.text();
    }
    const paths = ["/invocations", "/api/2.0/serving-endpoints", "/metrics", "/nothing"];
    for (const path of paths) {
      for (const authorization of ["", "Bearer wrong", `Basic ${TOKEN}`, `Bearer ${TOKEN}x`]) {
        const answer = await send(url + path, "POST", "{}", { authorization });
        assert.equal(answer.status, 401);
        assert.equal(answer.json.error_code, "UNAUTHENTICATED");
        assert.equal(answer.headers.get("www-authenticate"), "Bearer");
      }
    }
  });
});

Deno.test("Answers carry the caller's request id, or a new one, and no CORS headers", async () => {
  await withServer({}, async ({ url }) => {
    const given = await send(`${url}/invocations`, "POST", "{}", {
      "x-request-id": "abc-1",
      origin: "http://elsewhere.example",
    });
    assert.equal(given.headers.get("x-request-id"), "abc-1");
    assert.equal(given.headers.get("access-control-allow-origin"), null);
    const bad = await send(`${url}/invocations`, "POST", "{}", { "x-request-id": "a b<c>" });
    assert.match(bad.headers.get("x-request-id")!, /^[0-9a-f-]{36}$/);
  });
});
