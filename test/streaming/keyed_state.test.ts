import assert from "node:assert/strict";
import fc from "fast-check";
import { metricSet } from "clickstream/metrics";
import { KeyedState, type StateEvent } from "../../lib/streaming/keyed_state.ts";

const HOUR = 3_600_000_000;

const event = (over: Partial<StateEvent> = {}): StateEvent => ({
  user_id: 9_007_199_254_740_993n,
  user_session: "s",
  product_id: 1n,
  eventTime: 0,
  eventType: "view",
  price: null,
  ingestTime: 0,
  sequenceNumber: 0,
  ...over,
});

const nothingHeld = () => false;

Deno.test("users whose ids differ only beyond 2^53 are two keys", () => {
  const state = new KeyedState(metricSet("cart"));
  state.add(event());
  state.add(event({ user_id: 9_007_199_254_740_992n }));
  assert.equal(state.size, 2);
});

Deno.test("a cart counts all its products, a cart-product only its own", () => {
  const cart = new KeyedState(metricSet("cart"));
  const cartProduct = new KeyedState(metricSet("cart_product"));
  for (const state of [cart, cartProduct]) {
    state.add(event());
    state.add(event({ product_id: 2n, eventType: "cart" }));
  }
  assert.equal(cart.row(cart.slotOf(event())).values.events, 2);
  assert.equal(cartProduct.row(cartProduct.slotOf(event())).values.events, 1);
});

Deno.test("a key without a purchase expires 30 days after its last event, not a moment earlier", () => {
  const state = new KeyedState(metricSet("cart"));
  state.add(event({ eventTime: 5 }));
  const expiry = 5 + 30 * 24 * HOUR;
  assert.deepEqual(state.expire(expiry, nothingHeld), []);
  assert.equal(state.expire(expiry + 1, nothingHeld).length, 1);
  assert.equal(state.size, 0);
});

Deno.test("a purchase brings the expiry forward to 24 hours", () => {
  const state = new KeyedState(metricSet("cart"));
  state.add(event());
  state.add(event({ eventType: "purchase", eventTime: HOUR }));
  assert.equal(state.expire(25 * HOUR, nothingHeld).length, 0);
  assert.equal(state.expire(25 * HOUR + 1, nothingHeld).length, 1);
});

Deno.test("a held key stays, and goes when it is held no longer", () => {
  const state = new KeyedState(metricSet("cart"));
  state.add(event());
  assert.equal(state.expire(31 * 24 * HOUR, () => true).length, 0);
  assert.equal(state.expire(31 * 24 * HOUR, nothingHeld).length, 1);
});

Deno.test("an evicted key is recognised when it returns, a new one is not", () => {
  const state = new KeyedState(metricSet("cart"));
  state.add(event());
  state.expire(31 * 24 * HOUR, nothingHeld);
  assert.equal(state.wasEvicted(event()), true);
  assert.equal(state.wasEvicted(event({ user_session: "t" })), false);
});

Deno.test("slots are used again without mixing keys, over any history of events and expiries", () => {
  fc.assert(fc.property(
    fc.array(fc.record({
      user_session: fc.constantFrom("a", "b", "c", "d"),
      eventType: fc.constantFrom("view", "cart", "purchase"),
      hours: fc.integer({ min: 0, max: 900 }),
    })),
    (steps) => {
      const state = new KeyedState(metricSet("cart"));
      const naive = new Map<string, { events: number; last: number; bought: boolean }>();
      let now = 0;
      for (const { user_session, eventType, hours } of steps) {
        now += hours * HOUR;
        state.expire(now, nothingHeld);
        for (const [key, held] of naive) {
          if (now > held.last + (held.bought ? 24 : 720) * HOUR) naive.delete(key);
        }
        state.add(event({ user_session, eventType, eventTime: now }));
        const held = naive.get(user_session) ?? { events: 0, last: 0, bought: false };
        held.events += 1;
        held.last = now;
        held.bought ||= eventType === "purchase";
        naive.set(user_session, held);
        assert.equal(state.size, naive.size);
        for (const [key, { events }] of naive) {
          const row = state.row(state.slotOf(event({ user_session: key })));
          assert.equal(row.values.events, events);
          assert.equal(row.user_session, key);
        }
      }
    },
  ));
});
