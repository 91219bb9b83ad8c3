import assert from "node:assert/strict";
import fc from "fast-check";
import type { ShopEvent } from "clickstream/events";
import { createTable, type Lakehouse } from "clickstream/lakehouse";
import { eventSets, inferenceColumns, inferenceTable, type MetricSet } from "clickstream/metrics";
import { countDocuments, type OnlineStore } from "clickstream/online";
import { mergeState, readStored } from "../../lib/streaming/gold_tables.ts";
import { KeyedState, type StateKey } from "../../lib/streaming/keyed_state.ts";
import { LiveSet } from "../../lib/streaming/live_set.ts";
import { OnlinePublisher } from "../../lib/streaming/publisher.ts";
import type { PlacedEvent } from "../../lib/streaming/recovery.ts";
import { withLake } from "../lakehouse/support.ts";
import { withStore } from "../online/support.ts";

// The SDK keeps connections of its own.
const options = { sanitizeOps: false, sanitizeResources: false };
const HOUR = 3_600_000_000;
const START = { ends: new Map<number, number>(), watermark: -Infinity };

/** A set of a query that starts with an empty gold table and an empty store. */
function newSet(set: MetricSet, lake: Lakehouse, store: OnlineStore) {
  const state = new KeyedState(set);
  const publisher = new OnlinePublisher(store, [state], START, () => 0);
  const live = new LiveSet(state, lake, publisher);
  const merge = async () => {
    await live.settled();
    const { rows, columns } = live.takeChanges();
    if (rows > 0) await mergeState(lake, set, columns, [], 0);
    live.merged();
  };
  const expire = async (watermark: number) => {
    await live.settled();
    live.expire(watermark);
  };
  return { state, publisher, live, merge, expire };
}

async function withSets(
  body: (set: MetricSet, lake: Lakehouse, store: OnlineStore) => Promise<void>,
): Promise<void> {
  await withLake((lake) =>
    withStore(eventSets.map(inferenceTable), async (store) => {
      for (const set of eventSets) {
        await createTable(lake, inferenceTable(set), { columns: inferenceColumns(set) });
        await body(set, lake, store);
      }
    })
  );
}

function placed(user: bigint, hours: number, sequenceNumber: number, more = {}): PlacedEvent {
  const event = {
    ...{ user_id: user, user_session: "s", product_id: 1n, event_type: "view", price: 1 },
    ...{ event_time: BigInt(hours * HOUR), ...more },
  } as ShopEvent;
  return { event, partition: 0, sequenceNumber, ingestTime: 0 };
}

const keyOf = ({ event }: PlacedEvent) => event as StateKey;

Deno.test("only events of a key that returns wait for gold", options, async () => {
  await withSets(async (set, lake, store) => {
    const { state, live, merge, expire } = newSet(set, lake, store);
    const [first, again, other] = [placed(1n, 0, 0), placed(1n, 2000, 1), placed(2n, 2000, 2)];
    live.apply([first], false);
    await merge();
    await expire(1000 * HOUR);
    assert.equal(state.size, 0);
    live.apply([again, other], false);
    assert.deepEqual([state.slotOf(keyOf(again)), state.size], [-1, 1]);
    // What it looks up is not there for whoever takes gold's changes or evicts keys.
    assert.throws(() => live.takeChanges(), /1 events of .* are not counted yet/);
    assert.throws(() => live.expire(0), /not counted yet/);
    await live.settled();
    assert.equal(state.row(state.slotOf(keyOf(again))).values.events, 2);
  });
});

Deno.test(
  "a key that gold does not know is new, and one that waits online is not deleted",
  options,
  async () => {
    await withSets(async (set, lake, store) => {
      const { state, publisher, live, merge, expire } = newSet(set, lake, store);
      state.rememberEvicted(keyOf(placed(1n, 0, 0)));
      live.apply([placed(1n, 0, 0)], false);
      await live.settled();
      assert.equal(state.row(state.slotOf(keyOf(placed(1n, 0, 0)))).values.events, 1);
      await merge();
      const before = await countDocuments(store, inferenceTable(set));
      await publisher.pump();
      await expire(1000 * HOUR);
      live.apply([placed(1n, 2000, 1)], false);
      await live.settled();
      await publisher.pump();
      assert.equal(await countDocuments(store, inferenceTable(set)), before + 1);
    });
  },
);

Deno.test(
  "what a killed process published before any table held it goes with its key",
  options,
  async () => {
    await withSets(async (set, lake, store) => {
      const killed = newSet(set, lake, store);
      killed.live.apply([placed(1n, 0, 0)], false);
      await killed.publisher.pump();
      assert.equal(await countDocuments(store, inferenceTable(set)), 1);
      // The next one plans the same micro-batch, and is too far behind to publish it before it expires.
      const next = newSet(set, lake, store);
      next.live.apply([placed(1n, 0, 0)], true);
      await next.merge();
      await next.expire(1000 * HOUR);
      await next.publisher.pump();
      assert.equal(await countDocuments(store, inferenceTable(set)), 0);
    });
  },
);

Deno.test(
  "when gold cannot be read, whoever wants all to be counted is told, every time",
  options,
  async () => {
    await withLake((lake) =>
      withStore([], async (store) => {
        const { state, live } = newSet(eventSets[0]!, lake, store);
        state.rememberEvicted(keyOf(placed(1n, 0, 0)));
        live.apply([placed(1n, 0, 0)], false);
        await assert.rejects(live.settled());
        live.apply([placed(1n, 0, 1)], false);
        await assert.rejects(live.settled());
        assert.throws(() => live.takeChanges(), /2 events/);
      })
    );
  },
);

interface Step {
  /** Hours that pass before it. */
  hours: number;
  /** Users of a micro-batch's events, with what they do. */
  events: { user: number; product: number; type: ShopEvent["event_type"] }[];
  /** Turns of the event loop, or of its promises, that pass before anything else happens. */
  turns: { whole: boolean; count: number };
  /** What follows the micro-batch. */
  then: "nothing" | "merge" | "expire" | "merge and expire";
}

const steps = fc.array(
  fc.record({
    hours: fc.integer({ min: 0, max: 900 }),
    events: fc.array(
      fc.record({
        user: fc.integer({ min: 0, max: 3 }),
        product: fc.integer({ min: 0, max: 1 }),
        type: fc.constantFrom<ShopEvent["event_type"]>("view", "cart", "purchase"),
      }),
      { maxLength: 6 },
    ),
    turns: fc.record({ whole: fc.boolean(), count: fc.integer({ min: 0, max: 30 }) }),
    then: fc.constantFrom("nothing", "merge", "expire", "merge and expire"),
  }),
  { minLength: 5, maxLength: 25 },
);

/** Runs steps on a set and, event by event, on a state that forgets nothing. */
async function runSteps(
  query: ReturnType<typeof newSet>,
  run: number,
  walk: readonly Step[],
): Promise<{ reference: KeyedState; keys: StateKey[] }> {
  const reference = new KeyedState(query.state.set);
  const keys: StateKey[] = [];
  let [hours, sequenceNumber] = [0, 0];
  for (const step of walk) {
    hours += step.hours;
    const batch = step.events.map(({ user, product, type }) =>
      placed(BigInt(run * 10 + user), hours, sequenceNumber++, {
        product_id: BigInt(product),
        event_type: type,
      })
    );
    for (const each of batch) {
      const { event, ingestTime } = each;
      const [eventTime, eventType] = [Number(event.event_time), event.event_type];
      const { sequenceNumber, event: { price } } = each;
      reference.add({ ...keyOf(each), price, eventTime, eventType, ingestTime, sequenceNumber });
      keys.push(keyOf(each));
    }
    query.live.apply(batch, false);
    for (let turn = 0; turn < step.turns.count; turn++) {
      await (step.turns.whole ? new Promise((resolve) => setImmediate(resolve)) : null);
    }
    if (step.then.includes("merge")) await query.merge();
    if (step.then.includes("expire")) await query.expire(hours * HOUR);
  }
  await query.live.settled();
  return { reference, keys };
}

Deno.test(
  "keys that come and go hold and store what they would had they never gone",
  options,
  async () => {
    await withSets(async (set, lake, store) => {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(steps, async (walk) => {
          const query = newSet(set, lake, store);
          const before = await countDocuments(store, inferenceTable(set));
          const { reference, keys } = await runSteps(query, run++, walk as Step[]);
          const { state, publisher } = query;
          // Gold has what is not held, and once all is merged, what is held too.
          await query.merge();
          const stored = new KeyedState(set);
          for (const each of keys.length === 0 ? [] : await readStored(lake, set, keys)) {
            stored.restore(each);
          }
          const valuesIn = (from: KeyedState, key: StateKey) => from.columns([from.slotOf(key)]);
          for (const key of keys) {
            assert.deepEqual(valuesIn(stored, key), valuesIn(reference, key));
            if (state.slotOf(key) < 0) continue;
            assert.deepEqual(valuesIn(state, key), valuesIn(reference, key));
          }
          // The store shows the keys held and no others.
          await publisher.pump();
          assert.equal(await countDocuments(store, inferenceTable(set)) - before, state.size);
          assert.equal(stored.size, reference.size);
        }),
        { numRuns: 12 },
      );
    });
  },
);
