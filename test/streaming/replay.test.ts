import assert from "node:assert/strict";
import { records } from "clickstream/lakehouse";
import { startReplay } from "clickstream/streaming";
import { decodeMessage } from "../../lib/streaming/decode.ts";
import { readToEnd } from "../../lib/streaming/hub.ts";
import { type SmallShop, withShop } from "./shop.ts";

// The SDKs keep timers and sockets of their own.
const options = { sanitizeOps: false, sanitizeResources: false };

/** Distinct times that are replayed, and milliseconds in which they shall be. */
const TIMES = 100;
const SPAN_MS = 4000;
/** The clock leaps by so much once so much of the span is over, as when a laptop was asleep. */
const LEAP_MS = 2000;
const LEAPS_AT_MS = 500;

/** The speed by which the first {@link TIMES} staged times take {@link SPAN_MS}. */
async function speedFor({ lake }: SmallShop): Promise<number> {
  const [row] = await records(
    lake,
    `select epoch_ms(max(event_time)) - epoch_ms(min(event_time)) as span from (
       select distinct event_time from staged_events where data_set = 'real-time'
       order by event_time limit ${TIMES})`,
  );
  return Number(row!.span) / SPAN_MS;
}

/** Event time and time of sending of each message in the hub, in milliseconds, in order of time. */
async function sentTimes(shop: SmallShop): Promise<{ time: number; sent: number }[]> {
  const found: { time: number; sent: number }[] = [];
  await readToEnd(shop, {}, (messages) => {
    for (const message of messages) {
      const { event_time, ingest_ts } = decodeMessage(message).event!;
      found.push({ time: Number(event_time) / 1000, sent: Number(ingest_ts) / 1000 });
    }
  });
  return found.sort((a, b) => a.time - b.time);
}

Deno.test(
  "a replay that was held up sends what is due at once and is on time again: delays do not add up",
  options,
  async () => {
    await withShop(3000, async (shop) => {
      const speed = await speedFor(shop);
      let started = Infinity;
      const now = () => {
        const wall = Date.now();
        return wall - started >= LEAPS_AT_MS ? wall + LEAP_MS : wall;
      };
      const earliest = Date.now();
      const replay = await startReplay({ ...shop, speed, maxTimestamps: TIMES, now });
      started = Date.now();
      const { state, driftMillis } = await replay.finished;
      assert.equal(state, "done");
      const events = await sentTimes(shop);
      const late = events.map(({ time, sent }) =>
        sent - earliest - (time - events[0]!.time) / speed
      );
      assert.equal(new Set(events.map(({ time }) => time)).size, TIMES);
      assert.ok(late.every((ms) => ms >= -1), "nothing is sent before it is due");
      assert.ok(late.some((ms) => ms > LEAP_MS / 2), "the clock's leap held something up");
      assert.ok(late.at(-1)! - late[0]! < LEAP_MS / 2, "the last event is as late as the leap was");
      assert.ok(driftMillis < LEAP_MS / 2);
    });
  },
);
