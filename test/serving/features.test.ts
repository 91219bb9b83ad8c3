import assert from "node:assert/strict";
import fc from "fast-check";
import { cacheKey, featureCache } from "../../lib/serving/featureCache.ts";
import { featureSource, type Fetched } from "../../lib/serving/features.ts";
import { inferenceLog, type InferenceRecord } from "../../lib/serving/inferenceLog.ts";
import { columnsOfRecords } from "../../lib/serving/inferenceTable.ts";
import type { LookUp, RowKeys } from "../../lib/serving/types.ts";
import { BIG, send, smallModels, smallStore, withServer } from "./support.ts";

const KEYS: RowKeys = { user_id: BIG, user_session: "s", product_id: 1n };
const row = (events: number) => ({
  features: { cart__events: events },
  found: { cart: true },
  eventTimes: { cart: 0 },
  alreadyPurchased: false,
});

/** Counts look-ups and answers their number. */
function countingStore(): { lookUp: LookUp; asked: RowKeys[][] } {
  const asked: RowKeys[][] = [];
  return {
    asked,
    lookUp: (keys) => {
      asked.push(keys);
      return Promise.resolve(keys.map(() => row(asked.length)));
    },
  };
}

const failuresOf = ({ rows }: Fetched) => rows.map(({ failure }) => failure);

Deno.test("Features come from the cache up to its age limit, counted from the start of the look-up", async () => {
  let now = 0;
  const store = countingStore();
  const source = featureSource(async (keys) => {
    const rows = await store.lookUp(keys);
    now += 30;
    return rows;
  }, { cacheMaxAgeMs: 100, now: () => now });
  const events = async (useCache = true) =>
    (await source.fetch([KEYS], useCache)).rows[0]!.features["cart__events"];
  assert.equal(await events(), 1);
  now = 100;
  assert.equal(await events(), 1);
  now = 101;
  assert.equal(await events(), 2);
  assert.equal(await events(false), 3);
  assert.equal(store.asked.length, 3);
});

Deno.test("Equal keys of a request are looked up once, and each row gets its own", async () => {
  const store = countingStore();
  const source = featureSource(store.lookUp);
  const other = { ...KEYS, user_id: BIG + 1n };
  const { rows, asked } = await source.fetch([KEYS, other, KEYS], true);
  assert.equal(rows.length, 3);
  assert.equal(asked, 2);
  assert.deepEqual(store.asked, [[KEYS, other]]);
});

Deno.test("Requests for the same key at the same time share one look-up, unless they refuse the cache", async () => {
  const answer = Promise.withResolvers<void>();
  let asked = 0;
  const source = featureSource(async (keys) => {
    asked++;
    await answer.promise;
    return keys.map(() => row(asked));
  });
  const all = [
    source.fetch([KEYS], true),
    source.fetch([KEYS, { ...KEYS, product_id: 2n }], true),
    source.fetch([KEYS], false),
  ];
  answer.resolve();
  const fetched = await Promise.all(all);
  assert.deepEqual(fetched.map(({ asked, cached }) => [asked, cached]), [[1, 0], [1, 1], [1, 0]]);
  assert.equal(asked, 3);
});

Deno.test("The cache drops the longest unused rows beyond its size", () => {
  const cache = featureCache({ maxEntries: 2 });
  const keys = [1n, 2n, 3n].map((product_id) => ({ ...KEYS, product_id }));
  cache.set(keys[0]!, row(0), performance.now());
  cache.set(keys[1]!, row(1), performance.now());
  assert.notEqual(cache.get(keys[0]!, 10_000), null);
  cache.set(keys[2]!, row(2), performance.now());
  assert.deepEqual(keys.map((key) => cache.get(key, 10_000) !== null), [true, false, true]);
});

Deno.test("No two different keys share a place in the cache", () => {
  const id = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const session = fc.oneof(
    fc.constant(null),
    fc.constantFrom("", "-", "+", "|1", "null"),
    fc.string(),
  );
  const keys = fc.record({ user_id: id, user_session: session, product_id: id });
  fc.assert(fc.property(keys, keys, (a, b) => {
    const same = a.user_id === b.user_id && a.product_id === b.product_id &&
      a.user_session === b.user_session;
    assert.equal(cacheKey(a) === cacheKey(b), same);
  }));
});

Deno.test("A store that fails gives defaults, and is not asked again for a while", async () => {
  let now = 0;
  let asked = 0;
  let down = true;
  const failures: unknown[] = [];
  const source = featureSource(() => {
    asked++;
    return down ? Promise.reject(new Error("down")) : Promise.resolve([row(7)]);
  }, { retryAfterMs: 1000, now: () => now, onFailure: (error) => failures.push(error) });
  const first = await source.fetch([KEYS], true);
  assert.deepEqual(failuresOf(first), ["store-unavailable"]);
  assert.deepEqual(first.rows[0]!.features, {});
  assert.deepEqual(failuresOf(await source.fetch([KEYS], true)), ["store-unavailable"]);
  assert.deepEqual([asked, failures.length], [1, 1]);
  down = false;
  now = 1000;
  const later = await source.fetch([KEYS], true);
  assert.deepEqual(failuresOf(later), [null]);
  assert.deepEqual(later.rows[0]!.features, { cart__events: 7 });
});

Deno.test("A store that answers nobody within the time limit is left alone for a while", async () => {
  let asked = 0;
  const source = featureSource((_keys, signal) => {
    asked++;
    return new Promise((_, reject) =>
      signal!.addEventListener("abort", () => reject(signal!.reason))
    );
  }, { lookUpTimeoutMs: 20, now: () => 0 });
  assert.deepEqual(failuresOf(await source.fetch([KEYS], true)), ["look-up-timeout"]);
  assert.deepEqual(failuresOf(await source.fetch([KEYS], true)), ["look-up-timeout"]);
  assert.equal(asked, 1);
});

Deno.test("One slow look-up does not take the features of other requests away", async () => {
  let now = 0;
  const slow = { ...KEYS, user_id: 1n };
  const source = featureSource((keys) => {
    now++;
    if (keys[0]!.user_id === 1n) return new Promise(() => {});
    return Promise.resolve(keys.map(() => row(7)));
  }, { lookUpTimeoutMs: 50, now: () => now });
  const waiting = source.fetch([slow], true);
  assert.deepEqual(failuresOf(await source.fetch([KEYS], false)), [null]);
  assert.deepEqual(failuresOf(await waiting), ["look-up-timeout"]);
  assert.deepEqual(failuresOf(await source.fetch([KEYS], false)), [null]);
});

Deno.test("Many rows are looked up in blocks, two at once, and only a slow block's rows are without", async () => {
  const keys = Array.from({ length: 1000 }, (_, i) => ({ ...KEYS, product_id: BigInt(i) }));
  const sizes: number[] = [];
  let [running, most] = [0, 0];
  const source = featureSource(async (block) => {
    sizes.push(block.length);
    most = Math.max(most, ++running);
    if (block[0]!.product_id === 400n) await new Promise(() => {});
    await Promise.resolve();
    running--;
    return block.map(({ product_id }) => row(Number(product_id)));
  }, { lookUpTimeoutMs: 50 });
  const fetched = await source.fetch(keys, true);
  assert.deepEqual([sizes, most], [[200, 200, 200, 200, 200], 2]);
  fetched.rows.forEach(({ features, failure }, i) => {
    const isSlow = i >= 400 && i < 600;
    assert.equal(features["cart__events"], isSlow ? undefined : i);
    assert.equal(failure, isSlow ? "look-up-timeout" : null);
  });
});

Deno.test("What comes while two look-ups are under way goes together in the next, a small request beside a large one", async () => {
  const blocks: RowKeys[][] = [];
  const gates: (() => void)[] = [];
  const source = featureSource(async (block) => {
    blocks.push(block);
    await new Promise<void>((resolve) => gates.push(resolve));
    return block.map(({ product_id }) => row(Number(product_id)));
  });
  const rowsFrom = (first: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({ ...KEYS, product_id: BigInt(first + i) }));
  const requests = [[0, 1], [1, 1], [1000, 450], [2, 1], [3, 1]] as const;
  const fetched = requests.map(([first, count]) => source.fetch(rowsFrom(first, count), true));
  for (let i = 0; gates.length > 0 || i < 20; i++) {
    gates.shift()?.();
    await Promise.resolve();
  }
  for (const [i, [first]] of requests.entries()) {
    const { rows } = await fetched[i]!;
    rows.forEach(({ features }, at) => assert.equal(features["cart__events"], first + at));
  }
  const together = blocks[2]!.map(({ product_id }) => product_id);
  assert.deepEqual([together.includes(2n), together.includes(3n)], [true, true]);
  assert.ok(blocks.every(({ length }) => length <= 200));
});

Deno.test("A look-up under way is shared up to the cache's age limit, and its age is told", async () => {
  let now = 0;
  const answer = Promise.withResolvers<void>();
  const source = featureSource(async (keys) => {
    await answer.promise;
    return keys.map(() => row(1));
  }, { cacheMaxAgeMs: 100, now: () => now });
  const first = source.fetch([KEYS], true);
  now = 60;
  const second = source.fetch([KEYS], true);
  now = 101;
  const third = source.fetch([KEYS], true);
  answer.resolve();
  const all = await Promise.all([first, second, third]);
  assert.deepEqual(all.map(({ asked }) => asked), [1, 0, 1]);
  assert.deepEqual(all.map(({ rows }) => rows[0]!.cachedMs), [0, 60, 0]);
});

const REQUEST = { inputs: { user_id: String(BIG), user_session: "s", product_id: 1 } };

Deno.test("With the store down, scores use defaults, and header and answer say so", async () => {
  const lookUp = () => Promise.reject(new Error("down"));
  await withServer({ lookUp }, async ({ url }) => {
    const { status, headers, json } = await send(`${url}/invocations`, "POST", REQUEST);
    assert.equal(status, 200);
    assert.match(headers.get("x-clickstream-features")!, /^defaults/);
    assert.deepEqual(json.defaults, [["cart", "cart_product"]]);
  });
});

Deno.test("With a store too slow, header and answer say for how many rows, and the log for each", async () => {
  const written: InferenceRecord[] = [];
  const log = inferenceLog({
    flushMs: 0,
    write: (records) => Promise.resolve(void written.push(...records)),
  });
  const given = { cart__events: 1, cart_product__purchases: 0, price: 1, brand: null };
  const options = { lookUp: () => new Promise<never>(() => {}), lookUpTimeoutMs: 20 };
  await withServer({ ...options, inferenceLog: log }, async ({ url }) => {
    const { headers, json } = await send(`${url}/invocations`, "POST", {
      dataframe_records: [REQUEST.inputs, given],
    });
    const told = headers.get("x-clickstream-features");
    assert.equal(told, "defaults; reason=look-up-timeout; rows=1");
    assert.deepEqual(json.not_looked_up, { reason: "look-up-timeout", rows: 1 });
  });
  assert.deepEqual(columnsOfRecords(written)["store_down"], [true, false]);
});

Deno.test("With the store down and the policy fail, the answer is 503 with Retry-After", async () => {
  const lookUp = () => Promise.reject(new Error("down"));
  await withServer({ lookUp, onStoreDown: "fail" }, async ({ url }) => {
    const { status, headers, json } = await send(`${url}/invocations`, "POST", REQUEST);
    assert.deepEqual([status, json.error_code], [503, "TEMPORARILY_UNAVAILABLE"]);
    assert.equal(headers.get("retry-after"), "1");
    const given = { cart__events: 1, cart_product__purchases: 0, price: 1, brand: null };
    const byFeatures = await send(`${url}/invocations`, "POST", { inputs: [given] });
    assert.equal(byFeatures.status, 200);
  });
});

Deno.test("A caller may refuse the cache, by header or by parameter", async () => {
  const store = countingStore();
  await withServer({ lookUp: store.lookUp }, async ({ url }) => {
    await send(`${url}/invocations`, "POST", REQUEST);
    await send(`${url}/invocations`, "POST", REQUEST);
    assert.equal(store.asked.length, 1);
    await send(`${url}/invocations`, "POST", REQUEST, { "cache-control": "no-cache" });
    await send(`${url}/invocations`, "POST", { ...REQUEST, params: { cache: false } });
    assert.equal(store.asked.length, 3);
  });
});

Deno.test("Rows without a document are marked in the answer", async () => {
  await withServer({ lookUp: smallStore([[KEYS, {}]]) }, async ({ url }) => {
    const { json } = await send(`${url}/invocations`, "POST", {
      dataframe_records: [
        { user_id: String(BIG), user_session: "s", product_id: 1 },
        { user_id: String(BIG), user_session: "s", product_id: 2 },
      ],
    });
    assert.deepEqual(json.defaults, [[], ["cart", "product_attributes"]]);
  });
});

Deno.test("Seconds since the last event are those up to the request's own time, from earlier events only", async () => {
  const time = Date.UTC(2021, 1, 1, 12) * 1000;
  const features = { cart__event_time: time, cart__previous_event_time: time - 90_000_000 };
  const name = "cart__seconds_since_last_event";
  const models = smallModels({ small: 1 });
  const load = async (model: string, version: number) => {
    const servable = await models.load(model, version);
    return { ...servable, inputs: [...servable.inputs, { name, kind: "numeric" as const }] };
  };
  const options = { lookUp: smallStore([[KEYS, { features }]]), models: { ...models, load } };
  await withServer(options, async ({ url }) => {
    const at = (event_time: string) => ({ ...REQUEST.inputs, event_time });
    const { json } = await send(`${url}/invocations`, "POST", {
      dataframe_records: [at("2021-02-01T12:00:00.000001Z"), at("2021-02-01T12:00:00Z")],
      params: { features: true },
    });
    assert.deepEqual(
      json.features.map((row: Record<string, unknown>) => row[name]),
      [0.000001, 90],
    );
  });
});
