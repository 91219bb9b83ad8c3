import type { EventData } from "@azure/event-hubs";
import { Buffer } from "node:buffer";
import { pause } from "clickstream/config";
import { messageOf } from "clickstream/events";
import { documentId, readDocument } from "clickstream/online";
import { openProducer } from "clickstream/streaming";
import { sendByKey } from "../../lib/streaming/send_by_key.ts";
import { quantile, type Row } from "./report.ts";
import type { BenchShop } from "./shop.ts";
import { StreamHandle } from "./stream_handle.ts";

const CARTS = "electronics_cart_metrics__inference";
const PER_SECOND = 500;
const TICK_MILLIS = 10;
/** Every so many ticks, one event is followed until its cart can be read. */
const PROBE_EVERY = 5;
const WARM_UP_SECONDS = 5;

/** At 500 events/s: from just before an event is sent to its cart's features being readable. */
export async function measureFreshness(shop: BenchShop, forSeconds = 30): Promise<Row[]> {
  const stream = new StreamHandle(shop.config.home);
  await stream.until("the hub to be read", (s) => s.lag === 0 && s.onlinePending === 0);
  const producer = openProducer({ connectionString: shop.services.eventHubs.connectionString });
  const partitions = (await producer.getPartitionIds()).length;
  const delays: number[] = [];
  const running: Promise<void>[] = [];
  const ticks = (WARM_UP_SECONDS + forSeconds) * 1000 / TICK_MILLIS;
  const started = performance.now();
  let number = 0;
  for (let tick = 0; tick < ticks; tick++) {
    const early = started + tick * TICK_MILLIS - performance.now();
    if (early > 0.5) await pause(early);
    const before = performance.now();
    const events = Array.from(
      { length: PER_SECOND * TICK_MILLIS / 1000 },
      () => keyedEvent(number++),
    );
    running.push(sendByKey([producer], partitions, events));
    if (tick % PROBE_EVERY !== 0) continue;
    const warm = tick * TICK_MILLIS >= WARM_UP_SECONDS * 1000;
    running.push(
      untilReadable(shop, number - 1).then(() => {
        if (warm) delays.push(performance.now() - before);
      }),
    );
  }
  const late = performance.now() - started - ticks * TICK_MILLIS;
  await Promise.all(running);
  await producer.close();
  await stream.stop();
  const ms = (share: number) => `${quantile(delays, share).toFixed(0)} ms`;
  return [
    { what: `event sent to feature online, 500 events/s, p50`, measured: ms(0.5), target: "60 ms" },
    { what: `the same, p99 of ${delays.length}`, measured: ms(0.99), target: "200 ms" },
    { what: "the sender behind its schedule", measured: `${late.toFixed(0)} ms`, target: "-" },
  ];
}

const FIRST_USER = 7_000_000_000_000_000_000n;

/** Every event opens a cart of its own. */
function keyedEvent(number: number): { key: string; event: EventData } {
  const user_id = FIRST_USER + BigInt(number);
  const body = messageOf({
    event_time: BigInt(Date.parse("2021-03-02T00:00:00Z")) * 1000n + BigInt(number) * 2000n,
    event_type: "view",
    product_id: BigInt(number % 1000),
    category_id: null,
    category_code: null,
    brand: "bench",
    price: 9.5,
    user_id,
    user_session: `bench-${number}`,
    staged_row: null,
    ingest_ts: BigInt(Date.now()) * 1000n,
  });
  return {
    key: String(user_id),
    event: { body: Buffer.from(body), contentType: "application/json" },
  };
}

async function untilReadable(shop: BenchShop, number: number): Promise<void> {
  const id = documentId([FIRST_USER + BigInt(number), `bench-${number}`]);
  while (await readDocument(shop.store, CARTS, id) === undefined) await pause(1);
}
