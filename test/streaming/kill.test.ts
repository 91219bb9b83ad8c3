import assert from "node:assert/strict";
import { countTies, startReplay, startStream } from "clickstream/streaming";
import { startStreamProcess } from "./processes.ts";
import {
  endWhenSent,
  goldDifferences,
  onlineDifferences,
  type SmallShop,
  withShop,
} from "./shop.ts";

const KILLS = 10;
/** More than the processes can work through before the last of them is killed. */
const EVENTS = 1200 * KILLS;

/** Starts the query in a process, and kills it after a random number of micro-batches. */
async function runAndKill(shop: SmallShop): Promise<void> {
  const stream = startStreamProcess(shop);
  const wanted = 1 + Math.floor(Math.random() * 8);
  assert.ok(await stream.batches(wanted) >= wanted, "the stream ended by itself");
  await stream.kill();
}

Deno.test(
  `killed ${KILLS} times at random moments, the stream loses nothing and doubles nothing`,
  { sanitizeOps: false, sanitizeResources: false },
  async () => {
    await withShop(EVENTS, async (shop) => {
      const replay = await startReplay({ ...shop, speed: "max" });
      for (let kill = 0; kill < KILLS; kill++) await runAndKill(shop);
      await replay.finished;
      const query = await startStream({ ...shop, commitMillis: 50, goldMillis: 200 });
      await endWhenSent(shop, query);
      assert.deepEqual((await countTies(shop)).filter((tie) => !tie.ok), []);
      assert.deepEqual(await goldDifferences(shop), { cart: 0, cart_product: 0 });
      const none = { wrong: 0, tooMany: 0 };
      assert.deepEqual(await onlineDifferences(shop), { cart: none, cart_product: none });
    });
  },
);
