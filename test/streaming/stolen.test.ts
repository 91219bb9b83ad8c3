import assert from "node:assert/strict";
import { EventHubConsumerClient } from "@azure/event-hubs";
import { waitUntil } from "clickstream/config";
import { records } from "clickstream/lakehouse";
import { startReplay, startStream, StreamError } from "clickstream/streaming";
import { byWayOf, portOf, startProxy } from "./proxy.ts";
import { assertEqualsCleanRun, endWhenSent, type SmallShop, withShop } from "./shop.ts";

// The SDKs keep timers and sockets of their own.
const options = { sanitizeOps: false, sanitizeResources: false };

async function sendAll(shop: SmallShop): Promise<void> {
  const { error } = await (await startReplay({ ...shop, speed: "max" })).finished;
  assert.equal(error, null);
}

Deno.test(
  "a query whose partition is stolen in mid-batch fails by name, and the next one goes on from its tables",
  options,
  async () => {
    await withShop(4000, async (shop) => {
      await sendAll(shop);
      const query = await startStream({ ...shop, commitMillis: 20, goldMillis: 40, maxBatch: 11 });
      const inMidWork = () => query.status().batches > 3;
      await waitUntil(inMidWork, { timeoutMs: 300_000, intervalMs: 1, what: "some batches" });
      const thief = new EventHubConsumerClient("$Default", shop.connectionString);
      const stolen = thief.subscribe("1", {
        processEvents: () => Promise.resolve(),
        processError: () => Promise.resolve(),
      }, { ownerLevel: 7, startPosition: { offset: "-1" } });
      const failed = () => query.status().state === "failed";
      await waitUntil(failed, { timeoutMs: 300_000, what: "the query to notice" });
      await assert.rejects(() => query.stop(), (error: Error) => {
        assert.ok(error instanceof StreamError);
        assert.match(error.message, /Another reader took partition 1 .* End the other one/);
        return true;
      });
      await stolen.close();
      await thief.close();
      await endWhenSent(shop, await startStream({ ...shop, commitMillis: 50, goldMillis: 200 }));
      await assertEqualsCleanRun(shop);
    });
  },
);

Deno.test(
  "a query that was replaced and did not notice commits nothing that the new one has taken in",
  options,
  async () => {
    await withShop(4000, async (shop) => {
      await sendAll(shop);
      const proxy = await startProxy(shop.config.home, portOf(shop.connectionString));
      try {
        const connectionString = byWayOf(shop.connectionString, proxy.port);
        const never = { commitMillis: 1e9, goldMillis: 1e9 };
        const replaced = await startStream({ ...shop, ...never, connectionString });
        const some = () => replaced.status().messages > 50;
        await waitUntil(some, { timeoutMs: 300_000, what: "uncommitted messages" });
        proxy.stall();
        await endWhenSent(shop, await startStream({ ...shop, commitMillis: 50, goldMillis: 200 }));
        const before = await records(
          shop.lake,
          "select count(*) as n from electronics_events_silver",
        );
        await assert.rejects(() => replaced.stop(), /only one process may write/);
        const after = await records(
          shop.lake,
          "select count(*) as n from electronics_events_silver",
        );
        assert.deepEqual(after, before);
      } finally {
        await proxy.close();
      }
      await endWhenSent(shop, await startStream({ ...shop, commitMillis: 50, goldMillis: 200 }));
      await assertEqualsCleanRun(shop);
    });
  },
);
