import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { waitUntil } from "clickstream/config";
import { countTies, liveHalfEnded, startReplay, startStream } from "clickstream/streaming";
import { goldDifferences, onlineDifferences, type SmallShop, withShop } from "./shop.ts";

const KILLS = Number(Deno.env.get("CLICKSTREAM_KILLS") ?? 10);
const SCRIPT = fileURLToPath(new URL("./stream_process.ts", import.meta.url));

/** Starts the query in a process, and kills it after a random number of micro-batches. */
async function runAndKill(shop: SmallShop): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "-q",
      SCRIPT,
      shop.config.home,
      shop.connectionString,
      shop.endpoint,
      shop.key,
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const wanted = 1 + Math.floor(Math.random() * 8);
  let seen = 0;
  for await (const bytes of child.stdout) {
    seen += bytes.length;
    if (seen >= wanted) break;
  }
  child.kill("SIGKILL");
  await child.status;
  return seen;
}

Deno.test(
  `killed ${KILLS} times at random moments, the stream loses nothing and doubles nothing`,
  { sanitizeOps: false, sanitizeResources: false },
  async () => {
    await withShop(9000, async (shop) => {
      const replay = await startReplay({ ...shop, speed: "max" });
      for (let kill = 0; kill < KILLS; kill++) await runAndKill(shop);
      await replay.finished;
      const query = await startStream({ ...shop, commitMillis: 50, goldMillis: 200 });
      await waitUntil(() => liveHalfEnded(shop.config, query), {
        timeoutMs: 60_000,
        what: "the stream to commit what was sent",
      });
      await query.stop();
      assert.deepEqual((await countTies(shop)).filter((tie) => !tie.ok), []);
      assert.deepEqual(await goldDifferences(shop), { cart: 0, cart_product: 0 });
      assert.deepEqual(await onlineDifferences(shop), { cart: 0, cart_product: 0 });
    });
  },
);
