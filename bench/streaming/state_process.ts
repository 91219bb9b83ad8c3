/** Fills a keyed state and counts on in it: `columns` or `objects`, number of carts. */
import { metricSet } from "clickstream/metrics";
import { KeyedState, type StateEvent } from "../../lib/streaming/keyed_state.ts";

const CHUNK = 50_000;
const [kind, text] = Deno.args as [string, string];
const carts = Number(text);
const add = kind === "columns" ? intoColumns() : intoObjects();
const opened = rate(carts, (i) => i);
const counted = rate(Math.min(carts, 2_000_000), (i) => (i * 7919) % carts);
const gc = (globalThis as { gc?: () => void }).gc;
gc?.();
const megabytes = Deno.memoryUsage().rss / 1024 / 1024;
console.log(JSON.stringify({ carts, opened, counted, megabytes }));

/** Events a second, making them not counted. */
function rate(events: number, cartOf: (event: number) => number): number {
  let milliseconds = 0;
  for (let from = 0; from < events; from += CHUNK) {
    const chunk = Array.from(
      { length: Math.min(CHUNK, events - from) },
      (_, i) => event(cartOf(from + i), from + i),
    );
    const started = performance.now();
    for (const one of chunk) add(one);
    milliseconds += performance.now() - started;
  }
  return events / milliseconds * 1000;
}

/** Event times of a month; sessions look like the shop's. */
function event(cart: number, number: number): StateEvent {
  return {
    user_id: 1_515_915_625_353_900_000n + BigInt(cart),
    user_session: `${cart.toString(16).padStart(8, "0")}-4f2a-4c1e-9d3b-${
      (cart * 7).toString(16).padStart(12, "0")
    }`,
    product_id: BigInt(number % 50_000),
    eventTime: 1_612_137_600_000_000 + number * 500_000,
    eventType: number % 11 === 0 ? "cart" : "view",
    price: 19.9,
    ingestTime: 0,
    sequenceNumber: number,
  };
}

function intoColumns(): (event: StateEvent) => void {
  const state = new KeyedState(metricSet("cart"));
  return (event) => void state.add(event);
}

/** What one would write first: an object per cart, found by its key's text. */
function intoObjects(): (event: StateEvent) => void {
  interface Cart {
    user_id: bigint;
    user_session: string;
    counts: Record<string, number>;
    event_time: number;
    first_event_time: number;
    previous_event_time: number | null;
    products: Set<bigint>;
    cart_value: number;
    ingest_ts: number;
    version: number;
  }
  const held = new Map<string, Cart>();
  return (event) => {
    const key = `${event.user_id}|${event.user_session}`;
    let cart = held.get(key);
    if (cart === undefined) {
      cart = {
        user_id: event.user_id,
        user_session: event.user_session,
        counts: { events: 0, view: 0, cart: 0, purchase: 0 },
        event_time: event.eventTime,
        first_event_time: event.eventTime,
        previous_event_time: null,
        products: new Set(),
        cart_value: 0,
        ingest_ts: event.ingestTime,
        version: event.sequenceNumber,
      };
      held.set(key, cart);
    }
    cart.counts.events! += 1;
    cart.counts[event.eventType]! += 1;
    if (event.eventType === "cart") {
      cart.products.add(event.product_id);
      cart.cart_value += event.price ?? 0;
    }
    if (event.eventTime > cart.event_time) {
      cart.previous_event_time = cart.event_time;
      cart.event_time = event.eventTime;
    }
    cart.ingest_ts = event.ingestTime;
    cart.version = event.sequenceNumber;
  };
}
