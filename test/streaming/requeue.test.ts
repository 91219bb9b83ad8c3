import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { messageOf } from "clickstream/events";
import { records, updateTable } from "clickstream/lakehouse";
import {
  checkConsistency,
  countTies,
  openProducer,
  rebuildSilver,
  type RequeueFile,
  requeueRejected,
  startStream,
  streamFiles,
  writeState,
} from "clickstream/streaming";
import { endWhenSent, runLiveHalf, runShopCommand, type SmallShop, withShop } from "./shop.ts";

// The SDKs keep timers and sockets of their own.
const options = { sanitizeOps: false, sanitizeResources: false };
const REJECTED = "electronics_events_rejected";

/** Sends messages that are no events and streams everything; then mends the bodies of two of them. */
async function rejectSome(shop: SmallShop): Promise<void> {
  const producer = openProducer(shop);
  await producer.sendBatch(["x1", "x2", "x3", "[]"].map((text) => ({ body: Buffer.from(text) })));
  await producer.close();
  await runLiveHalf(shop);
  const event = (user: bigint) =>
    messageOf({
      event_time: 1_613_000_000_000_000n,
      event_type: "cart",
      product_id: 5n,
      category_id: null,
      category_code: null,
      brand: "it's",
      price: 2.5,
      user_id: user,
      user_session: "again",
      staged_row: null,
      ingest_ts: null,
    }).replaceAll("'", "''");
  for (const [body, user] of [["x1", -1n], ["x2", -2n]] as const) {
    const set = { body: `'${event(user)}'` };
    await updateTable(shop.lake, REJECTED, { set, where: `body = '${body}'` });
  }
}

async function events(shop: SmallShop): Promise<string[]> {
  const rows = await records(
    shop.lake,
    `select user_id from electronics_events_silver where user_session = 'again' order by 1 desc`,
  );
  return rows.map((row) => String(row.user_id));
}

async function stream(shop: SmallShop): Promise<void> {
  await endWhenSent(shop, await startStream({ ...shop, commitMillis: 50, goldMillis: 200 }));
}

Deno.test(
  "rejected messages that are events now are sent again, once, and stream in",
  options,
  async () => {
    await withShop(1500, async (shop) => {
      await rejectSome(shop);
      const some = await requeueRejected({ ...shop, reason: "not a JSON object" });
      assert.deepEqual(some, { tried: 1, readable: 0, sent: 0, recovered: 0 });
      const counted = await requeueRejected({ ...shop, reason: "malformed" });
      assert.deepEqual(counted, { tried: 4, readable: 2, sent: 0, recovered: 0 });
      const script = "lib/streaming/commands/requeue.ts";
      const { code, stdout, stderr } = await runShopCommand(shop, script, ["--write"]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /Run 2b/);
      const second = await requeueRejected({ ...shop, write: true });
      assert.deepEqual(second, { tried: 2, readable: 0, sent: 0, recovered: 0 });
      await stream(shop);
      assert.deepEqual(await events(shop), ["-1", "-2"]);
      const results = await checkConsistency(shop);
      assert.deepEqual(results.filter((r) => r.differing + r.missing + r.extra > 0), []);
      // Four messages of bronze are not the replay's.
      const broken = (await countTies(shop)).filter((tie) => !tie.ok);
      assert.deepEqual(broken.map((tie) => tie.name), ["sent = bronze"]);
      assert.match(broken[0]!.detail, / \+ 2 requeued = /);
      assert.equal((await rebuildSilver(shop)).same > 0, true);
    });
  },
);

Deno.test(
  "a run cut off between sending and marking is made good by the next one",
  options,
  async () => {
    await withShop(1500, async (shop) => {
      await rejectSome(shop);
      const file: RequeueFile = { positions: {} };
      assert.equal((await requeueRejected({ ...shop, write: true })).sent, 2);
      await updateTable(shop.lake, REJECTED, { set: { requeued_ts: "null" }, where: "true" });
      writeState<RequeueFile>(streamFiles(shop.config).requeue, file);
      const next = await requeueRejected({ ...shop, write: true });
      assert.deepEqual(next, { tried: 2, readable: 0, sent: 0, recovered: 2 });
      await stream(shop);
      assert.deepEqual(await events(shop), ["-1", "-2"]);
    });
  },
);
