import assert from "node:assert/strict";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { waitUntil } from "clickstream/config";
import {
  countTies,
  type QueryFile,
  readState,
  startReplay,
  startStream,
  streamFiles,
} from "clickstream/streaming";
import { eventSets, inferenceTable } from "clickstream/metrics";
import { committedPositions } from "../../lib/streaming/event_tables.ts";
import { startStreamProcess } from "./processes.ts";
import {
  endWhenSent,
  goldDifferences,
  onlineDifferences,
  type SmallShop,
  withShop,
} from "./shop.ts";

/** Runs `body` with the endpoint of a store that takes requests and never answers. */
async function withSilentStore(body: (endpoint: string) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on("error", () => {})));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await body(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Whether gold and the query's file have taken in everything that was sent. */
async function tablesHoldAll(shop: SmallShop, ends: Record<string, number>): Promise<boolean> {
  const committed = readState<QueryFile>(streamFiles(shop.config).query)?.committed ?? {};
  const gold = await Promise.all(
    eventSets.map((set) => committedPositions(shop.lake, inferenceTable(set))),
  );
  return Object.entries(ends).every(([partition, end]) =>
    (committed[partition] ?? -1) >= end &&
    gold.every((positions) => (positions.get(Number(partition)) ?? -1) >= end)
  );
}

/** Processes all that was sent with a store that never answers, and is killed. */
async function dieOwingTheStoreEverything(shop: SmallShop): Promise<void> {
  const replay = await startReplay({ ...shop, speed: "max" });
  await replay.finished;
  const ends = readState<{ ends: Record<string, number> }>(streamFiles(shop.config).replay)!.ends;
  await withSilentStore(async (endpoint) => {
    const stream = startStreamProcess({ ...shop, endpoint });
    await waitUntil(() => tablesHoldAll(shop, ends), {
      timeoutMs: 300_000,
      what: "gold to hold what was sent",
    });
    await stream.kill();
  });
}

Deno.test(
  "documents that a killed process owed the store, writes and deletions, are paid by the next one",
  { sanitizeOps: false, sanitizeResources: false },
  async () => {
    await withShop(4000, async (shop) => {
      await dieOwingTheStoreEverything(shop);
      const owed = await onlineDifferences(shop);
      for (const { wrong, tooMany } of Object.values(owed)) {
        assert.ok(wrong > 0 && tooMany > 0, JSON.stringify(owed));
      }
      const query = await startStream({ ...shop, commitMillis: 50, goldMillis: 200 });
      await endWhenSent(shop, query);
      const paid = { wrong: 0, tooMany: 0 };
      assert.deepEqual(await onlineDifferences(shop), { cart: paid, cart_product: paid });
      assert.deepEqual(await goldDifferences(shop), { cart: 0, cart_product: 0 });
      assert.deepEqual((await countTies(shop)).filter((tie) => !tie.ok), []);
    });
  },
);
