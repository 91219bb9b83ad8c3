import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { fileURLToPath } from "node:url";
import { waitUntil } from "clickstream/config";
import { records } from "clickstream/lakehouse";
import { closeOnlineStore, openOnlineStore } from "clickstream/online";
import {
  checkConsistency,
  countTies,
  isConsistent,
  openProducer,
  startReplay,
  startStream,
} from "clickstream/streaming";
import { assertEqualsCleanRun, endWhenSent, goldDifferences, withShop } from "./shop.ts";

// The SDKs keep timers and sockets of their own.
const options = { sanitizeOps: false, sanitizeResources: false };
const FAST = { commitMillis: 50, goldMillis: 200 };

Deno.test(
  "a wrong key ends the query with its name and what to do, and with the right one it goes on",
  options,
  async () => {
    await withShop(2000, async (shop) => {
      await (await startReplay({ ...shop, speed: "max" })).finished;
      const connectionString = shop.connectionString.replace(
        /AccessKey=[^;]+/,
        "AccessKey=bm9uZQ==",
      );
      await assert.rejects(() => startStream({ ...shop, connectionString }), {
        name: "StreamError",
        message: /InvalidSignature.* connection string is right/,
      });
      const { endpoint } = shop;
      const store = openOnlineStore({ endpoint, key: "bm9uZQ==", database: "clickstream" });
      const query = await startStream({ ...shop, ...FAST, store });
      const failed = () => query.status().state === "failed";
      await waitUntil(failed, { timeoutMs: 300_000, what: "the wrong key to be refused" });
      await assert.rejects(() => query.stop(), /the key is right/);
      closeOnlineStore(store);
      await endWhenSent(shop, await startStream({ ...shop, ...FAST }));
      await assertEqualsCleanRun(shop);
    });
  },
);

Deno.test(
  "a store that is busy again and again only makes the online store late",
  options,
  async () => {
    await withShop(3000, async (shop) => {
      await (await startReplay({ ...shop, speed: "max" })).finished;
      shop.cosmos.throttle(100);
      const query = await startStream({ ...shop, ...FAST, maxBatch: 100 });
      const written = () => query.status().published > 0;
      await waitUntil(written, { timeoutMs: 300_000, what: "the store to take documents" });
      shop.cosmos.throttle(100);
      await endWhenSent(shop, query);
      await assertEqualsCleanRun(shop);
    });
  },
);

Deno.test(
  "clocks that step, of the process and of the events, lose nothing and double nothing",
  options,
  async () => {
    await withShop(2000, async (shop) => {
      // Between two looks the process's clock goes back a day, or forward a year.
      const steps = [0, -86_400_000, 31_536_000_000, -3_600_000];
      let looks = 0;
      const now = () => Date.now() + steps[Math.floor(looks++ / 50) % steps.length]!;
      const producer = openProducer(shop);
      const times = ["2021-02-10", "1970-01-01", "2037-01-01", "2021-02-11", "2000-02-29"];
      const body = (day: string, i: number) =>
        Buffer.from(
          `{"event_time":"${day}T00:00:00Z","event_type":"view","product_id":${i},"user_id":7,"user_session":"jumps"}`,
        );
      await producer.sendBatch(times.map((day, i) => ({ body: body(day, i) })), {
        partitionKey: "7",
      });
      await producer.close();
      await (await startReplay({ ...shop, speed: "max", now })).finished;
      const query = await startStream({ ...shop, ...FAST, maxBatch: 40, now });
      await endWhenSent(shop, query);
      const [row] = await records(
        shop.lake,
        `select events, strftime(event_time, '%Y') as newest,
           strftime(first_event_time, '%Y') as first
         from electronics_cart_metrics__inference where user_session = 'jumps'`,
      );
      assert.deepEqual(row, { events: 5, newest: "2037", first: "1970" });
      assert.deepEqual(await goldDifferences(shop), { cart: 0, cart_product: 0 });
      const ties = (await countTies(shop)).filter((tie) => !tie.ok && !tie.name.includes("sent") // those five were not the replay's
      );
      assert.deepEqual(ties, []);
      assert.ok(isConsistent(await checkConsistency(shop)));
    });
  },
);

Deno.test({
  name: "a disk that takes no more ends the query with the reason, and with room it goes on",
  ignore: Deno.build.os === "windows", // there is no limit to a file's size there
  ...options,
  fn: async () => {
    await withShop(2000, async (shop) => {
      await (await startReplay({ ...shop, speed: "max" })).finished;
      // No file may grow beyond 8 KiB: to the process that is a full disk in mid-write.
      const script = fileURLToPath(new URL("./stream_process.ts", import.meta.url));
      const { config, connectionString, endpoint, key } = shop;
      const command = [Deno.execPath(), "run", "-A", "-q", script, config.home];
      const { code, stderr } = await new Deno.Command("sh", {
        args: [
          "-c",
          `trap '' XFSZ; ulimit -f 16; exec "$@"`,
          "sh",
          ...command,
          connectionString,
          endpoint,
          key,
        ],
        env: { NO_COLOR: "1" },
        stdin: "null",
      }).output();
      assert.notEqual(code, 0);
      assert.match(new TextDecoder().decode(stderr), /StreamError|DeltaError|File too large/);
      await endWhenSent(shop, await startStream({ ...shop, ...FAST }));
      await assertEqualsCleanRun(shop);
    });
  },
});
