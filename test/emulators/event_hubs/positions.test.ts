import assert from "node:assert/strict";
import { EventHubConsumerClient } from "@azure/event-hubs";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { EventHubs } from "../../../lib/emulators/event_hubs/mod.ts";
import { FAST, HUB, receive, withEventHubs, withProducer } from "./support.ts";

Deno.test("a receiver begins at any offset, sequence number, time, the start or the end", async () => {
  let now = 1_700_000_000_000;
  await withEventHubs(async (server) => {
    await withProducer(server, async (producer) => {
      for (let i = 0; i < 10; i++) {
        await producer.sendBatch([{ body: i }], { partitionId: "0" });
        now += 1000;
      }
      const all = await receive(server, { count: 10, partition: "0" });
      const fifth = all[4]!;
      const bodies = async (from: Parameters<typeof receive>[1]["from"], count: number) =>
        (await receive(server, { count, partition: "0", from: from! })).map((event) => event.body);
      const { offset, sequenceNumber } = fifth;
      assert.deepEqual(await bodies({ offset }, 5), [5, 6, 7, 8, 9]);
      assert.deepEqual(await bodies({ offset, isInclusive: true }, 6), [4, 5, 6, 7, 8, 9]);
      assert.deepEqual(await bodies({ sequenceNumber }, 5), [5, 6, 7, 8, 9]);
      assert.deepEqual(await bodies({ sequenceNumber, isInclusive: true }, 6), [4, 5, 6, 7, 8, 9]);
      const enqueuedOn = fifth.enqueuedTimeUtc;
      assert.deepEqual(await bodies({ enqueuedOn }, 5), [5, 6, 7, 8, 9]);
      assert.deepEqual(await bodies({ enqueuedOn: enqueuedOn.getTime() - 1 }, 6), [
        4,
        5,
        6,
        7,
        8,
        9,
      ]);
      const latest = bodies({ offset: "@latest" }, 1);
      await untilReceiving(server);
      await producer.sendBatch([{ body: "new" }], { partitionId: "0" });
      assert.deepEqual(await latest, ["new"]);
    });
  }, { now: () => now });
});

Deno.test("positions are found across many segments", async () => {
  await withEventHubs(async (server, directory) => {
    await withProducer(server, async (producer) => {
      for (let i = 0; i < 20; i++) {
        await producer.sendBatch(
          Array.from({ length: 10 }, (_, j) => ({ body: { n: i * 10 + j, pad: "x".repeat(200) } })),
          { partitionId: "0" },
        );
      }
    });
    assert.ok(readdirSync(join(directory, "hubs", HUB, "0")).length > 5);
    const all = await receive(server, { count: 200, partition: "0" });
    for (const at of [0, 1, 57, 99, 100, 198]) {
      const { offset, sequenceNumber, body } = all[at]!;
      for (const from of [{ offset }, { sequenceNumber }]) {
        const [next] = await receive(server, { count: 1, partition: "0", from });
        assert.equal(next!.body.n, body.n + 1);
      }
    }
  }, { segmentBytes: 4000 });
});

Deno.test("a checkpoint older than retention goes on from the oldest event kept", async () => {
  let now = Date.now();
  await withEventHubs(async (server) => {
    await withProducer(server, async (producer) => {
      await producer.sendBatch([{ body: "old" }, { body: "older" }], { partitionId: "0" });
      const [first] = await receive(server, { count: 2, partition: "0" });
      now += 600_000;
      await producer.sendBatch([{ body: "kept" }], { partitionId: "0" });
      now += 1_000;
      await server.applyRetention();
      await producer.sendBatch([{ body: "newest" }], { partitionId: "0" });
      const { offset, sequenceNumber } = first!;
      for (const from of [{ offset }, { sequenceNumber }, { offset: "-1" }]) {
        const events = await receive(server, { count: 2, partition: "0", from });
        assert.deepEqual(events.map((event) => event.body), ["kept", "newest"]);
        assert.deepEqual(events.map((event) => event.sequenceNumber), [2, 3]);
      }
      const { beginningSequenceNumber, isEmpty } = await producer.getPartitionProperties("0");
      assert.equal(beginningSequenceNumber, 2);
      assert.equal(isEmpty, false);
    });
  }, { now: () => now, retentionMs: 300_000, segmentBytes: 10 });
});

Deno.test("a partition emptied by retention goes on counting", async () => {
  let now = Date.now();
  await withEventHubs(async (server) => {
    await withProducer(server, async (producer) => {
      await producer.sendBatch([{ body: 1 }, { body: 2 }], { partitionId: "0" });
      now += 100_000;
      await server.applyRetention();
      const emptied = await producer.getPartitionProperties("0");
      assert.equal(emptied.isEmpty, true);
      assert.equal(emptied.lastEnqueuedSequenceNumber, 1);
      await producer.sendBatch([{ body: 3 }], { partitionId: "0" });
      const [event] = await receive(server, { count: 1, partition: "0" });
      assert.equal(event!.sequenceNumber, 2);
    });
  }, { now: () => now, retentionMs: 50_000 });
});

Deno.test("retention by size removes the oldest events first", async () => {
  await withEventHubs(async (server) => {
    await withProducer(server, async (producer) => {
      for (let i = 0; i < 30; i++) {
        await producer.sendBatch([{ body: "x".repeat(1000) }], { partitionId: "0" });
      }
    });
    await server.applyRetention();
    const [partition] = server.status().hubs[0]!.partitions;
    assert.ok(partition!.bytes <= 10_000, `${partition!.bytes} bytes are kept`);
    assert.ok(partition!.bytes > 5_000, `only ${partition!.bytes} bytes are kept`);
    const events = await receive(server, { count: partition!.events, partition: "0" });
    assert.equal(events.at(-1)!.sequenceNumber, 29);
  }, { retentionBytes: 10_000, segmentBytes: 2_000 });
});

Deno.test("a position beyond the end is an error that names the end", async () => {
  await withEventHubs(async (server) => {
    await withProducer(
      server,
      (producer) => producer.sendBatch([{ body: 1 }], { partitionId: "0" }),
    );
    await assert.rejects(
      receive(server, { count: 1, partition: "0", from: { sequenceNumber: 500 } }),
      /'500' is invalid. The last sequence number in the system is '0'/,
    );
  });
});

Deno.test("a receiver that asks for it is told the partition's newest event", async () => {
  await withEventHubs(async (server) => {
    await withProducer(
      server,
      (producer) => producer.sendBatch([{ body: 1 }, { body: 2 }], { partitionId: "0" }),
    );
    const consumer = new EventHubConsumerClient("$Default", server.connectionString(HUB), FAST);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const subscription = consumer.subscribe("0", {
      processEvents: (events, context) => {
        if (events.length > 0) resolve(context.lastEnqueuedEventProperties);
        return Promise.resolve();
      },
      processError: (error) => Promise.resolve(reject(error)),
    }, {
      startPosition: { offset: "-1" },
      trackLastEnqueuedEventProperties: true,
      maxBatchSize: 2,
    });
    const newest = await promise as { sequenceNumber: number; offset: string; enqueuedOn: Date };
    assert.equal(newest.sequenceNumber, 1);
    assert.match(newest.offset, /^\d+$/);
    assert.ok(newest.enqueuedOn.getTime() > 0);
    await subscription.close();
    await consumer.close();
  });
});

async function untilReceiving(server: EventHubs): Promise<void> {
  const { waitUntil } = await import("clickstream/config");
  await waitUntil(
    () => server.status().hubs[0]!.groups[0]!.partitions[0]!.receivers.length > 0,
    { what: "the receiver" },
  );
}
