import { Buffer } from "node:buffer";
import { messageOf } from "clickstream/events";
import { openProducer } from "clickstream/streaming";
import { sendByKey } from "../../lib/streaming/send_by_key.ts";
import { mean, quantile, type Row, whole } from "./report.ts";
import { type BenchShop, knownKeys, withBenchShop } from "./shop.ts";
import { StreamHandle } from "./stream_handle.ts";

const SMALL = 40_000;
const MESSAGES = 20_000;
const BATCH = 500;
/** Carts of history that events come to: as many whatever the size. */
const KNOWN = 2000;
/** Micro-batches while everything is compiled for the first time. */
const WARM = 10;

interface Cost {
  keys: number;
  stateMillis: number;
  onlineMillis: number;
  goldMillis: number;
}

/**
 * The same 20,000 messages in micro-batches of 500, over tables of one and of ten times the size: both
 * twice, in turns, and of each its better run, as the first of all runs on a machine that is not warm.
 */
export async function measureTableSize(): Promise<Row[]> {
  const runs: Cost[] = [];
  for (const times of [1, 10, 1, 10]) runs.push(await costAt(SMALL * times));
  const small = better(runs[0]!, runs[2]!);
  const large = better(runs[1]!, runs[3]!);
  const ratio = (of: (cost: Cost) => number) => (of(large) / of(small)).toFixed(2);
  const both = (of: (cost: Cost) => number) =>
    `${of(small).toFixed(1)}, ${of(large).toFixed(1)} ms`;
  const line = (what: string, of: (cost: Cost) => number, target: string) => ({
    what: `${what}, ${whole(small.keys)} and ${whole(large.keys)} keys: ${both(of)}; ratio`,
    measured: ratio(of),
    target,
  });
  return [
    line("micro-batch of 500, state (median)", (c) => c.stateMillis, "1.3"),
    line("micro-batch of 500, online (mean)", (c) => c.onlineMillis, "1.3"),
    line("gold merge per interval (mean)", (c) => c.goldMillis, "-"),
  ];
}

function better(a: Cost, b: Cost): Cost {
  return {
    keys: a.keys,
    stateMillis: Math.min(a.stateMillis, b.stateMillis),
    onlineMillis: Math.min(a.onlineMillis, b.onlineMillis),
    goldMillis: Math.min(a.goldMillis, b.goldMillis),
  };
}

async function costAt(events: number): Promise<Cost> {
  let cost: Cost | undefined;
  await withBenchShop(events, "2021-02-01T00:00:00Z", async (shop) => {
    await send(shop);
    const stream = new StreamHandle(shop.config.home, BATCH);
    await stream.until("its start", () => true);
    const started = performance.now();
    const done = await stream.until(
      "the store to show all",
      (s) => s.messages >= MESSAGES && s.onlinePending === 0,
    );
    const online = performance.now() - started;
    const ended = await stream.stop();
    const batches = done.batches;
    cost = {
      keys: Object.values(ended.keys).reduce((sum, n) => sum + n, 0),
      stateMillis: quantile(done.batchMillis.slice(WARM), 0.5),
      onlineMillis: online / batches,
      goldMillis: mean(ended.mergeMillis),
    };
  });
  return cost!;
}

/** Half of the events are of carts that history left, half open new ones. */
async function send({ lake, services }: BenchShop): Promise<void> {
  const known = await knownKeys(lake, KNOWN);
  const producer = openProducer({ connectionString: services.eventHubs.connectionString });
  const partitions = (await producer.getPartitionIds()).length;
  const events = Array.from({ length: MESSAGES }, (_, i) => {
    const { user_id, product_id, user_session } = known[i % known.length]!;
    const opens = i % 2 === 1;
    const body = messageOf({
      event_time: BigInt(Date.parse("2021-02-01T00:00:00Z") + i * 100) * 1000n,
      event_type: i % 7 === 0 ? "cart" : "view",
      product_id,
      category_id: null,
      category_code: null,
      brand: "bench",
      price: 9.5,
      user_id,
      user_session: opens ? `bench-${i}` : user_session,
      staged_row: null,
      ingest_ts: BigInt(Date.now()) * 1000n,
    });
    return {
      key: String(user_id),
      event: { body: Buffer.from(body), contentType: "application/json" },
    };
  });
  await sendByKey([producer], partitions, events);
  await producer.close();
}
