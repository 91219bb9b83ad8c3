import assert from "node:assert/strict";
import { waitUntil } from "clickstream/config";
import { eventSets } from "clickstream/metrics";
import { startReplay } from "clickstream/streaming";
import { EventTables } from "../../lib/streaming/event_tables.ts";
import { KeyedState } from "../../lib/streaming/keyed_state.ts";
import { StreamingQuery } from "../../lib/streaming/query.ts";
import { recoverState } from "../../lib/streaming/recovery.ts";
import { withShop } from "./shop.ts";

// The SDKs keep timers and sockets of their own.
const options = { sanitizeOps: false, sanitizeResources: false };

Deno.test(
  "what another query commits while one starts is left to the hub, and counts once",
  options,
  async () => {
    await withShop(2000, async (shop) => {
      // Silver holds all of it, gold nothing: all of it is the tail.
      const query = new StreamingQuery({ ...shop, commitMillis: 20, goldMillis: 1e9 });
      await query.start();
      await (await startReplay({ ...shop, speed: "max" })).finished;
      await waitUntil(() => query.status().lag === 0 && query.status().committed > 0, {
        what: "silver to hold some",
      });
      await query.abandon();
      const { committed } = await EventTables.open(shop.lake);
      const half = new Map([...committed].map(([p, end]) => [p, Math.floor(end / 2)]));
      const online = { ends: new Map<number, number>(), watermark: -Infinity };
      const recovered = async (from: ReadonlyMap<number, number>) => {
        const states = eventSets.map((set) => new KeyedState(set));
        return await recoverState(shop.lake, states, { from, online }, null);
      };
      const [whole, part] = [await recovered(committed), await recovered(half)];
      const expected = whole.tail.filter((e) => e.sequenceNumber <= half.get(e.partition)!);
      assert.ok(expected.length > 0 && expected.length < whole.tail.length);
      assert.deepEqual(part.tail, expected);
      assert.ok(part.unpublished.length < whole.unpublished.length);
      assert.deepEqual((await recovered(new Map())).tail, []);
    });
  },
);
