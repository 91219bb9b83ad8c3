import assert from "node:assert/strict";
import { inferenceTable, metricSet } from "clickstream/metrics";
import { countDocuments, type OnlineStore, PRODUCT_ATTRIBUTES_TABLE } from "clickstream/online";
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
  const add = (user: bigint, mayExist: boolean) => {
    const slot = state.add({
      ...{ user_id: user, user_session: "s", product_id: 1n, eventType: "view", price: null },
      ...{ eventTime: 0, ingestTime: 0, sequenceNumber: Number(user) },
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
