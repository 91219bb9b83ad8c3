import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { closeOnlineStore, openOnlineStore } from "clickstream/online";
import { startCosmos } from "../../lib/emulators/cosmos/mod.ts";
import { startEventHubs } from "../../lib/emulators/event_hubs/mod.ts";
import { connectServing } from "../../lib/serving/client.ts";
import { startShopServer } from "../../lib/serving/shop/server.ts";
import { openShop, type Shop } from "../../lib/serving/shop/shop.ts";
import { withHome } from "../support.ts";
import { send, TOKEN, withServer } from "./support.ts";

/** What another visitor's page shows; no answer may hold any of it. */
const SECRET = "another-visitor's-model";
const HUB = "electronics-events";

/** Runs `body` with a shop of one product over a real broker and store, and a visit of its own in it. */
async function withShop(body: (url: string, session: string, shop: Shop) => Promise<void>) {
  await withHome(async (home) => {
    const hubs = await startEventHubs({
      directory: join(home, "hubs"),
      hubs: [{ name: HUB, partitions: 1 }],
    });
    const cosmos = await startCosmos({ directory: join(home, "cosmos") });
    const { endpoint, readKey: key } = cosmos;
    const store = openOnlineStore({ endpoint, key, database: "clickstream" });
    await withServer({}, async (scoring) => {
      const shop = openShop({
        catalogue: [{
          product_id: "1",
          category_id: null,
          category_code: "<b>'; drop table events; --",
          brand: "<script>alert(1)</script>",
          price: 1,
          onShelf: true,
        }],
        connectionString: hubs.connectionString(HUB),
        store,
        serving: connectServing({ url: scoring.url, token: TOKEN }),
        streamTime: () => Promise.resolve(null),
      });
      const checkConsistency = () => Promise.resolve([]);
      const server = startShopServer({ shop, status: null, checkConsistency });
      const { view } = shop.shoppers.enter();
      view.model = { name: SECRET, version: "1" };
      try {
        await body(server.url, view.session, shop);
      } finally {
        await server.close();
        await shop.close();
      }
    });
    closeOnlineStore(store);
    await cosmos.close();
    await hubs.close();
  });
}

const wrongText = fc.oneof(
  fc.string(),
  fc.bigInt({ min: 2n ** 63n }).map(String),
  fc.constantFrom("NaN", "-1", "1.0", " 1", "0x1", "9".repeat(5000), "\ud800", "__proto__"),
  fc.constantFrom("'; drop table events; --", "<script>alert(1)</script>", "../../etc/passwd"),
).filter((text) => text !== "1");

/** A click that would be right but for one field; `VISIT` stands for a session that exists. */
const wrongClick = fc.oneof(
  wrongText.map((product_id) => ({ session: "VISIT", type: "cart", product_id })),
  wrongText.map((session) => ({ session, type: "cart", product_id: "1" })),
  wrongText.map((type) => ({ session: "VISIT", type, product_id: "1" })),
  fc.jsonValue().filter((value) => value !== "1")
    .map((product_id) => ({ session: "VISIT", type: "view", product_id })),
  fc.string().map((name) => ({ session: "VISIT", type: "view", product_id: "1", [`x${name}`]: 1 })),
).map((value) => JSON.stringify(value));

const wrongBody = fc.oneof(
  wrongClick,
  fc.json(),
  fc.string(),
  fc.constantFrom("", "{", "NaN", '{"session": NaN}', "[".repeat(4000), '{"a": 1e999}'),
  fc.uint8Array({ minLength: 1, maxLength: 100 }).map((bytes) => Uint8Array.from([...bytes, 0xff])),
);

const requests = fc.oneof(
  fc.record({ method: fc.constant("POST"), path: fc.constant("/api/events"), body: wrongBody }),
  fc.record({
    method: fc.constantFrom("POST"),
    path: fc.constantFrom("/api/shoppers", "/api/consistency"),
    body: fc.constantFrom("", "{", "NaN", "{'a': 1}", "[".repeat(4000)),
  }),
  fc.record({
    method: fc.constant("GET"),
    path: wrongText.map((text) => `/api/live?session=${encodeURIComponent(text.toWellFormed())}`),
  }),
  fc.record({
    method: fc.constantFrom("GET", "PUT", "DELETE", "PATCH"),
    path: fc.oneof(
      wrongText.map((text) => `/${encodeURIComponent(text.toWellFormed())}x`),
      fc.constantFrom("/%ff", "/..%2fserver.ts", "/api/events", "/api/", "/shop.js/../../shop.ts"),
    ),
  }),
);

Deno.test({
  name:
    "A thousand malformed requests to the shop get a 4xx with a message, and nobody else's visit",
  // The SDKs keep timers and sockets of their own.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    withShop(async (url, session, shop) => {
      const check = async (
        request: { method: string; path: string; body?: string | Uint8Array },
      ) => {
        const body = typeof request.body === "string"
          ? request.body.replace("VISIT", session)
          : request.body as Uint8Array<ArrayBuffer> | undefined;
        const { status, json } = await send(url + request.path, request.method, body);
        assert.ok(status >= 400 && status < 500, `${status} for ${JSON.stringify(request)}`);
        assert.match(json.error_code, /^[A-Z_]+$/);
        assert.ok(json.message.length > 10 && !JSON.stringify(json).includes(SECRET));
      };
      await fc.assert(fc.asyncProperty(requests, check), { numRuns: 1000 });
      assert.deepEqual(shop.shoppers.get(session).view.events, [], "nothing was sent");
    }),
});

Deno.test({
  name: "The shop refuses a body of 10 MB and other content types, and answers no foreign origin",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    withShop(async (url) => {
      const large = await send(`${url}/api/events`, "POST", " ".repeat(10 * 1024 * 1024));
      assert.deepEqual([large.status, large.json.error_code], [413, "REQUEST_TOO_LARGE"]);
      const form = await send(`${url}/api/events`, "POST", "a=1", { "content-type": "text/plain" });
      assert.equal(form.status, 415);
      const foreign = await send(`${url}/api/catalogue`, "GET", undefined, {
        origin: "https://elsewhere.example",
      });
      assert.equal(foreign.headers.get("access-control-allow-origin"), null);
      const page = await fetch(url);
      assert.match(page.headers.get("content-security-policy")!, /default-src 'self'/);
      assert.doesNotMatch(await page.text(), /<script>alert/);
    }),
});
