import assert from "node:assert/strict";
import { inferenceTable, metricSet } from "clickstream/metrics";
import fc from "fast-check";
import {
  countDocuments,
  documentId,
  type OnlineStore,
  OnlineStoreError,
  PRODUCT_ATTRIBUTES_TABLE,
  readDocument,
} from "clickstream/online";
import { KeyedState } from "../../lib/streaming/keyed_state.ts";
import { OnlinePublisher } from "../../lib/streaming/publisher.ts";
import { withStore } from "../online/support.ts";

// The SDK keeps connections of its own.
const options = { sanitizeOps: false, sanitizeResources: false };
const CART = metricSet("cart");
const TABLE = inferenceTable(CART);
const TABLES = [TABLE, PRODUCT_ATTRIBUTES_TABLE];
const EXPIRED = 31 * 24 * 3_600_000_000;
const START = { ends: new Map<number, number>(), watermark: -Infinity };

/** A state of carts and what publishes it, as a query has them after a start. */
function newQuery(store: OnlineStore) {
  const state = new KeyedState(CART);
  const publisher = new OnlinePublisher(store, [state], START, () => 0);
  const add = (user: bigint, mayExist: boolean, sequenceNumber = Number(user)) => {
    const key = { user_id: user, user_session: "s", product_id: 1n };
    if (state.wasEvicted(key)) publisher.returned(CART, key);
    const slot = state.add({
      ...{ ...key, eventType: "view", price: null, eventTime: 0, ingestTime: 0, sequenceNumber },
    });
    publisher.changed(CART, slot, mayExist);
  };
  const expire = () => {
    const gone = state.expire(EXPIRED, (slot) => publisher.isWriting(CART, slot));
    for (const row of gone) publisher.evicted(CART, row);
    return gone.length;
  };
  return { publisher, add, expire };
}

Deno.test(
  "a key that expires before it is written is not written, and its place is done",
  options,
  async () => {
    await withStore(TABLES, async (store) => {
      const { publisher, add, expire } = newQuery(store);
      for (let user = 1n; user <= 3000n; user++) add(user, false);
      assert.equal(publisher.pending, 3000);
      assert.equal(expire(), 3000);
      publisher.mark({ ends: new Map([[0, 3000]]), watermark: EXPIRED });
      assert.deepEqual([publisher.pending, publisher.published], [0, 0]);
      assert.equal(publisher.position.ends.get(0), 3000);
      add(3001n, false);
      await publisher.pump();
      assert.deepEqual([await countDocuments(store, TABLE), publisher.published], [1, 1]);
    });
  },
);

Deno.test(
  "the document of a key that expires while newer values wait goes, whoever wrote it",
  options,
  async () => {
    await withStore(TABLES, async (store) => {
      const earlier = newQuery(store);
      for (const user of [1n, 2n]) earlier.add(user, false);
      await earlier.publisher.pump();
      assert.equal(await countDocuments(store, TABLE), 2);
      // One of an earlier process, which this one can only reckon with.
      const later = newQuery(store);
      later.add(2n, true);
      assert.equal(later.expire(), 1);
      await later.publisher.pump();
      assert.deepEqual([await countDocuments(store, TABLE), later.publisher.published], [1, 0]);
      // One of its own, told by its ETag.
      earlier.add(1n, true);
      earlier.expire();
      await earlier.publisher.pump();
      assert.deepEqual([await countDocuments(store, TABLE), earlier.publisher.published], [0, 2]);
    });
  },
);

Deno.test(
  "keys that return while their documents go are there in the end, with their newest values",
  options,
  async () => {
    await withStore(TABLES, async (store, cosmos) => {
      const { publisher, add, expire } = newQuery(store);
      const users = Array.from({ length: 60 }, (_, i) => BigInt(i));
      const seen = new Set<bigint>();
      let sequenceNumber = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.subarray(users), fc.boolean(), fc.nat(6)), { minLength: 4 }),
          async (steps) => {
            for (const [some, expires, turns] of steps) {
              for (const user of some) {
                add(user, seen.has(user), ++sequenceNumber);
                seen.add(user);
              }
              publisher.begin(assert.ifError);
              // Some of what was told is under way, some waits, some is done.
              for (let i = 0; i < turns ** 2; i++) await new Promise((turn) => setImmediate(turn));
              if (expires) expire();
            }
            cosmos.throttle(3, 1);
            await publisher.pump();
            expire();
            for (const user of users) add(user, true, ++sequenceNumber);
            await publisher.pump();
          },
        ),
        { numRuns: 15 },
      );
      const found = await Promise.all(
        users.map((user) => readDocument(store, TABLE, documentId([user, "s"]))),
      );
      assert.deepEqual(
        found.map((document) => document?.version),
        users.map((_, i) => sequenceNumber - users.length + 1 + i),
      );
    });
  },
);

Deno.test(
  "where one container is missing nothing more is written, and everyone who waits is told",
  options,
  async () => {
    await withStore([PRODUCT_ATTRIBUTES_TABLE], async (store) => {
      const { publisher, add } = newQuery(store);
      publisher.mark({ ends: new Map([[0, 1]]), watermark: 0 });
      add(1n, false);
      publisher.mark({ ends: new Map([[0, 2]]), watermark: 0 });
      const told = Promise.withResolvers<Error>();
      publisher.begin(told.resolve);
      assert.ok(await told.promise instanceof OnlineStoreError);
      await assert.rejects(publisher.pump(), OnlineStoreError);
      await publisher.abandon();
      assert.equal(publisher.position.ends.get(0), 1);
    });
  },
);

Deno.test("who abandons waits for what is under way, and for nothing else", options, async () => {
  await withStore(TABLES, async (store) => {
    const { publisher, add } = newQuery(store);
    for (let user = 0n; user < 9000n; user++) add(user, false);
    publisher.begin(assert.ifError);
    await publisher.abandon();
    const { published, pending } = publisher;
    assert.ok(pending > 0, "not everything was written");
    assert.equal(published + pending, 9000);
    assert.equal(await countDocuments(store, TABLE), published);
  });
});
