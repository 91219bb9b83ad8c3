import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { waitUntil } from "clickstream/config";
import { records } from "clickstream/lakehouse";
import { documentId, lookUpFeatures, readDocument } from "clickstream/online";
import {
  countTies,
  dailyDifferences,
  dueMidnights,
  openProducer,
  runDailyBatch,
  startReplay,
  startStream,
} from "clickstream/streaming";
import { goldDifferences, runLiveHalf, withShop } from "./shop.ts";

// The SDKs keep timers and sockets of their own.
const options = { sanitizeOps: false, sanitizeResources: false };

async function allHold(ties: { name: string; ok: boolean; detail: string }[]): Promise<void> {
  await Promise.resolve();
  assert.deepEqual(ties.filter((tie) => !tie.ok), []);
}

Deno.test(
  "what was sent is in bronze, silver, gold and the online store, once",
  options,
  async () => {
    await withShop(6000, async (shop) => {
      const status = await runLiveHalf(shop);
      await allHold(await countTies(shop));
      assert.equal(status.rejected, 0);
      const { state, lag, onlinePending, committed, messages, error } = status;
      assert.deepEqual({ state, lag, onlinePending, error }, {
        state: "stopped",
        lag: 0,
        onlinePending: 0,
        error: null,
      });
      assert.equal(committed, messages);
      assert.ok(status.watermark! < status.newestEventTime! && status.published > 0);
      assert.ok(status.batchMillis.length === Math.min(status.batches, 200));
      assert.ok(status.keys.cart! > 0 && status.keys.cart_product! >= status.keys.cart!);
      assert.deepEqual(await goldDifferences(shop), { cart: 0, cart_product: 0 });
    });
  },
);

Deno.test(
  "a replay at full speed keeps the order within partitions: hardly anything is late",
  options,
  async () => {
    await withShop(6000, async (shop) => {
      const { late, messages } = await runLiveHalf(shop);
      assert.ok(messages > 500);
      assert.ok(late < messages / 100, `${late} of ${messages} are late`);
    });
  },
);

Deno.test("the online store serves what gold holds", options, async () => {
  await withShop(6000, async (shop) => {
    await runLiveHalf(shop);
    const rows = await records(
      shop.lake,
      `select user_id, user_session, product_id, events, version
       from electronics_cart_product_metrics__inference where version >= 0 and purchases = 0 limit 200`,
    );
    assert.ok(rows.length > 100);
    const found = await lookUpFeatures(shop.store, rows as never);
    rows.forEach((row, i) => {
      assert.equal(found[i]!.features["cart_product__events"], Number(row.events));
      assert.equal(found[i]!.found["product_attributes"], true);
    });
  });
});

Deno.test(
  "every midnight that the stream passes is taken in, and a batch run twice changes nothing",
  options,
  async () => {
    await withShop(6000, async (shop) => {
      await runLiveHalf(shop);
      const due = dueMidnights(shop.config);
      assert.ok(due.length > 20, `${due.length} midnights`);
      for (const midnight of due.slice(0, 5)) await runDailyBatch(shop, midnight);
      assert.deepEqual((await dailyDifferences(shop.lake, shop.config)).map((d) => d.rows), [
        0,
        0,
        0,
      ]);
      const again = await runDailyBatch(shop, due[4]!);
      assert.deepEqual((await dailyDifferences(shop.lake, shop.config)).map((d) => d.rows), [
        0,
        0,
        0,
      ]);
      assert.equal(Object.keys(again.changed).length, 3);
      assert.equal(dueMidnights(shop.config).length, due.length - 5);
    });
  },
);

Deno.test(
  "what is no event is kept in rejected with the reason, and the stream goes on",
  options,
  async () => {
    await withShop(2000, async (shop) => {
      const producer = openProducer(shop);
      const send = (body: string | Uint8Array) =>
        producer.sendBatch([{ body: Buffer.from(body as string) }], { partitionKey: "poison" });
      await send("not json");
      await send(Uint8Array.of(0xff, 0xfe));
      await send('{"event_time":"2021-02-01T00:00:00Z","event_type":"view","product_id":1}');
      await send(
        '{"event_time":"2021-02-01T00:00:00Z","event_type":"view","product_id":1,"user_id":9223372036854775808}',
      );
      await send(
        '{"event_time":"2021-02-01T00:00:00Z","event_type":"view","product_id":1,"user_id":9007199254740993,"user_session":"s"}',
      );
      await producer.close();
      const query = await startStream({ ...shop, commitMillis: 50, goldMillis: 200 });
      await waitUntil(() => query.status().messages === 5, {
        timeoutMs: 300_000,
        what: "five messages",
      });
      await query.stop();
      const rejected = await records(
        shop.lake,
        "select reason, body_encoding from electronics_events_rejected order by sequence_number",
      );
      assert.deepEqual(rejected, [
        { reason: "malformed", body_encoding: null },
        { reason: "malformed", body_encoding: "base64" },
        { reason: "invalid", body_encoding: null },
        { reason: "invalid", body_encoding: null },
      ]);
      const id = documentId([9_007_199_254_740_993n, "s"]);
      const document = await readDocument(shop.store, "electronics_cart_metrics__inference", id);
      assert.equal(document?.["user_id"], "9007199254740993");
      assert.equal(document?.["events"], 1);
    });
  },
);

Deno.test(
  "stopped and started again in the middle, the tables are those of one run",
  options,
  async () => {
    await withShop(6000, async (shop) => {
      for (let part = 0; part < 2; part++) {
        await (await startReplay({ ...shop, speed: "max", maxTimestamps: 300 })).finished;
        const query = await startStream({
          ...shop,
          commitMillis: 20,
          goldMillis: 50,
          maxBatch: 17,
        });
        const some = () => query.status().messages >= 100;
        await waitUntil(some, { timeoutMs: 300_000, intervalMs: 1, what: "100 messages" });
        await query.stop();
      }
      await runLiveHalf(shop);
      await allHold(await countTies(shop));
      assert.deepEqual(await goldDifferences(shop), { cart: 0, cart_product: 0 });
    });
  },
);

Deno.test(
  "a replay that was stopped goes on where it was, and sends nothing twice",
  options,
  async () => {
    await withShop(6000, async (shop) => {
      const first = await startReplay({ ...shop, speed: "max", maxTimestamps: 300 });
      const { sent } = await first.finished;
      assert.ok(sent >= 300 && sent < 900, `${sent} sent`);
      await runLiveHalf(shop);
      await allHold(await countTies(shop));
      const [row] = await records(
        shop.lake,
        `select count(*) as n from electronics_events_silver where partition is not null`,
      );
      const [staged] = await records(
        shop.lake,
        "select count(*) as n from staged_events where data_set = 'real-time'",
      );
      assert.equal(row!.n, staged!.n);
    });
  },
);
