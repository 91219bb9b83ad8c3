/** `deno task soak [--kills N]`: real processes are killed, then everything is compared. */
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { pause, waitUntil } from "clickstream/config";
import { checkConsistency, countTies, startStream } from "clickstream/streaming";
import { type FaultLab, type Part, PARTS, withFaultLab } from "./fault_lab.ts";
import { endWhenSent, goldDifferences, onlineDifferences } from "./shop.ts";

/** Kills in all. */
const { values } = parseArgs({
  args: Deno.args.filter((arg) => arg !== "--"),
  options: { kills: { type: "string", default: String(PARTS.length) } },
});
const ROUNDS = Math.ceil(Number(values.kills) / PARTS.length);

/** Kills a part at a random moment. */
async function killOne(lab: FaultLab, part: Part): Promise<void> {
  await pause(200 + Math.random() * 800);
  lab.allSent();
  await lab.kill(part);
}

async function checkAll({ shop }: FaultLab): Promise<void> {
  assert.deepEqual((await countTies(shop)).filter((tie) => !tie.ok), []);
  assert.deepEqual(await goldDifferences(shop), { cart: 0, cart_product: 0 });
  const none = { wrong: 0, tooMany: 0 };
  assert.deepEqual(await onlineDifferences(shop), { cart: none, cart_product: none });
  const differing = (await checkConsistency(shop))
    .filter((r) => r.differing + r.missing + r.extra > 0);
  assert.deepEqual(differing, []);
}

Deno.test(
  `stream, replay, hub and store killed ${ROUNDS} times each, nothing is lost or doubled`,
  { sanitizeOps: false, sanitizeResources: false },
  async () => {
    await withFaultLab({ events: 6000 * ROUNDS, seconds: 30 * ROUNDS }, async (lab) => {
      for (let round = 0; round < ROUNDS; round++) {
        for (const part of PARTS) await killOne(lab, part);
      }
      await lab.hurry();
      await waitUntil(() => lab.allSent(), { timeoutMs: 900_000, what: "everything to be sent" });
      await lab.quiet();
      const query = await startStream({ ...lab.shop, commitMillis: 50, goldMillis: 200 });
      await endWhenSent(lab.shop, query);
      await checkAll(lab);
      if (ROUNDS > 1) console.log("ended by themselves and started again:", lab.restarts);
    });
  },
);
