import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { BusyError } from "clickstream/config";
import { appendTo, deleteFrom, records, snapshot, updateTable } from "clickstream/lakehouse";
import {
  checkConsistency,
  countTies,
  dueMidnights,
  isConsistent,
  openProducer,
  type QueryFile,
  readState,
  type RebuildFile,
  rebuildSilver,
  runDailyBatch,
  startReplay,
  startStream,
  streamFiles,
  writeState,
} from "clickstream/streaming";
import { whileStarting, withLiveHalfStopped } from "../../lib/streaming/live_lock.ts";
import { runLiveHalf, runShopCommand, type SmallShop, withShop } from "./shop.ts";

// The SDKs keep timers and sockets of their own.
const options = { sanitizeOps: false, sanitizeResources: false };
const SILVER = "electronics_events_silver";
const NONE = { missing: 0, extra: 0, differing: 0, unreadable: 0 };

/** Silver as rows that compare: all columns but when the row was made. */
async function silverRows({ lake }: SmallShop): Promise<Record<string, unknown>[]> {
  return await records(lake, `select * exclude (current_ts) from ${SILVER} order by all`);
}

async function eventsIn(shop: SmallShop, table: string, user: number): Promise<number> {
  const [row] = await records(shop.lake, `select events from ${table} where user_id = ${user}`);
  return Number(row?.events ?? 0);
}

/**
 * Gives one message of bronze another user: that of silver's first live event with a session, in
 * this order.
 *
 * @returns condition of its row
 */
async function changeUser(shop: SmallShop, order: string, user: string): Promise<string> {
  const [by, offset = "0"] = order.split(" offset ");
  const [row] = await records(
    shop.lake,
    `select partition, sequence_number from ${SILVER}
     where partition is not null and user_session is not null
     order by ${by}, partition, sequence_number limit 1 offset ${offset}`,
  );
  const where = `partition = ${row!.partition} and sequence_number = ${row!.sequence_number}`;
  const body = `regexp_replace(body, '"user_id":-?\\d+', '"user_id":${user}')`;
  await updateTable(shop.lake, "electronics_events_bronze", { set: { body }, where });
  return where;
}

async function assertConsistent(shop: SmallShop): Promise<void> {
  const results = await checkConsistency(shop);
  assert.deepEqual(results.filter((r) => r.differing + r.missing + r.extra > 0), []);
  assert.deepEqual((await countTies(shop)).filter((tie) => !tie.ok), []);
}

/** Takes three live events away, changes five prices and two users, and adds one row twice over. */
async function damage(shop: SmallShop): Promise<void> {
  const { lake } = shop;
  const nth = (from: number, to: number) =>
    `partition is not null and (partition, sequence_number) in (select (partition, sequence_number)
      from electronics_events_bronze order by partition, sequence_number
      limit ${to - from} offset ${from})`;
  await deleteFrom(lake, SILVER, nth(2, 5));
  await updateTable(lake, SILVER, { set: { price: "coalesce(price, 0) + 1" }, where: nth(10, 15) });
  await updateTable(lake, SILVER, { set: { user_id: "-7" }, where: nth(20, 22) });
  const [row] = await records(
    lake,
    `select epoch_us(max(event_time)) as time, max(sequence_number) as last from ${SILVER}`,
  );
  const extra = {
    event_time: row!.time,
    event_type: "view",
    product_id: -5n,
    category_id: null,
    category_code: null,
    brand: null,
    price: 1,
    user_id: -5n,
    user_session: "nobody's",
    is_late: false,
    partition: 0,
    sequence_number: Number(row!.last) + 1000,
    ingest_ts: 0,
    current_ts: 0,
  };
  const columns = Object.fromEntries(Object.entries(extra).map(([k, v]) => [k, [v, v]]));
  await appendTo(lake, SILVER, { columns });
}

Deno.test(
  "a rebuild finds each wrong row of silver and puts it right in one commit",
  options,
  async () => {
    await withShop(3000, async (shop) => {
      const producer = openProducer(shop);
      await producer.sendBatch([{ body: Buffer.from("x") }, { body: Buffer.from("{}") }]);
      await producer.close();
      await runLiveHalf(shop);
      for (const midnight of dueMidnights(shop.config).slice(0, 2)) {
        await runDailyBatch(shop, midnight);
      }
      const right = await silverRows(shop);
      const [live] = await records(shop.lake, `select count(partition) as n from ${SILVER}`);
      const same = Number(live!.n);
      const untouched = await rebuildSilver({ ...shop, write: true });
      assert.deepEqual(untouched, { same, ...NONE, written: false });
      await damage(shop);
      const found = await runShopCommand(shop, "lib/streaming/commands/rebuild.ts", []);
      assert.equal(found.code, 1, found.stdout + found.stderr);
      assert.match(found.stderr, /--write/);
      const before = (await snapshot(shop.lake, SILVER)).version;
      const result = await rebuildSilver({ ...shop, write: true });
      const wrong = { missing: 3, extra: 2, differing: 7, unreadable: 0 };
      assert.deepEqual(result, { same: same - 10, ...wrong, written: true });
      assert.equal((await snapshot(shop.lake, SILVER)).version, before + 1);
      assert.deepEqual(await silverRows(shop), right);
      const results = await checkConsistency(shop);
      assert.deepEqual(results.filter((r) => r.differing + r.missing + r.extra > 0), []);
      assert.deepEqual(await rebuildSilver(shop), { same, ...NONE, written: false });
    });
  },
);

Deno.test(
  "features follow events that bronze gives and the stream had not, a message that is none goes to rejected",
  options,
  async () => {
    await withShop(3000, async (shop) => {
      await runLiveHalf(shop);
      for (const midnight of dueMidnights(shop.config).slice(0, 2)) {
        await runDailyBatch(shop, midnight);
      }
      await changeUser(shop, "event_time", "-9");
      await changeUser(shop, "event_time desc", "-10");
      await changeUser(shop, "event_time desc offset 1", "null");
      const { same: _, ...result } = await rebuildSilver({ ...shop, write: true });
      assert.deepEqual(result, { ...NONE, differing: 2, extra: 1, unreadable: 1, written: true });
      await assertConsistent(shop);
      assert.equal(await eventsIn(shop, "electronics_user_metrics__inference", -9), 1);
      assert.equal(await eventsIn(shop, "electronics_cart_metrics__inference", -10), 1);
    });
  },
);

Deno.test(
  "a rebuild that was cut off before features followed is finished by the next",
  options,
  async () => {
    await withShop(1500, async (shop) => {
      await runLiveHalf(shop);
      const { version } = await snapshot(shop.lake, SILVER);
      const where = await changeUser(shop, "event_time desc", "-9");
      await updateTable(shop.lake, SILVER, { set: { user_id: "-9" }, where });
      assert.equal(isConsistent(await checkConsistency(shop)), false);
      const { rebuild } = streamFiles(shop.config);
      writeState<RebuildFile>(rebuild, { silverVersion: Number(version) });
      const { same, ...result } = await rebuildSilver({ ...shop, write: true });
      assert.ok(same > 0);
      assert.deepEqual(result, { ...NONE, written: false });
      await assertConsistent(shop);
      assert.equal(readState<RebuildFile>(rebuild), null);
    });
  },
);

Deno.test(
  "silver is not rebuilt while a query runs or after one that broke off",
  options,
  async () => {
    await withShop(1500, async (shop) => {
      await runLiveHalf(shop);
      const { query } = streamFiles(shop.config);
      const file = readState<QueryFile>(query)!;
      writeState<QueryFile>(query, { ...file, state: "running", pid: Deno.pid });
      await assert.rejects(() => rebuildSilver(shop), /stop 2a and 2b first/);
      writeState<QueryFile>(query, { ...file, state: "failed" });
      await assert.rejects(() => rebuildSilver(shop), /did not end in order/);
    });
  },
);

Deno.test(
  "no query and no replay starts while silver is rebuilt, or before a rebuild that was cut off is finished",
  options,
  async () => {
    await withShop(1500, async (shop) => {
      await runLiveHalf(shop);
      const starts = [() => startStream(shop), () => startReplay({ ...shop, speed: "max" })];
      await withLiveHalfStopped(shop.config, "deno task rebuild", async () => {
        for (const start of starts) await assert.rejects(start, /deno task rebuild is at work/);
        await assert.rejects(() => rebuildSilver(shop), BusyError);
      });
      const { version } = await snapshot(shop.lake, SILVER);
      const { rebuild } = streamFiles(shop.config);
      writeState<RebuildFile>(rebuild, { silverVersion: Number(version) });
      for (const start of starts) await assert.rejects(start, /deno task rebuild -- --write/);
      await rebuildSilver({ ...shop, write: true });
      await (await startStream(shop)).stop();
      await whileStarting(shop.config, async () => {
        await assert.rejects(() => rebuildSilver(shop), /stop 2a and 2b first/);
      });
    });
  },
);
