import assert from "node:assert/strict";
import { EventHubBufferedProducerClient } from "@azure/event-hubs";
import { HUB, receive, startQuietly, withEventHubs, withProducer } from "./support.ts";
import { partitionOfKey } from "../../../lib/emulators/event_hubs/mod.ts";

Deno.test("what the SDK sends in a batch is received, body, properties and key as they were", async () => {
  await withEventHubs(async (server) => {
    await withProducer(server, async (producer) => {
      const batch = await producer.createBatch({ partitionKey: "user-7" });
      for (let i = 0; i < 100; i++) {
        assert.ok(batch.tryAdd({
          body: { number: i, text: "héllo" },
          properties: { kind: "view", i },
          contentType: "application/json",
          messageId: `m${i}`,
          correlationId: `c${i}`,
        }));
      }
      await producer.sendBatch(batch);
    });
    const events = await receive(server, { count: 100 });
    assert.deepEqual(events.map((event) => event.body.number), [...Array(100).keys()]);
    const first = events[0]!;
    assert.deepEqual(first.body, { number: 0, text: "héllo" });
    assert.deepEqual(first.properties, { kind: "view", i: 0 });
    assert.equal(first.partitionKey, "user-7");
    assert.equal(first.contentType, "application/json");
    assert.equal(first.messageId, "m0");
    assert.equal(first.correlationId, "c0");
    assert.equal(first.sequenceNumber, 0);
    assert.equal(first.partitionId, String(partitionOfKey("user-7", 4)));
    assert.ok(Math.abs(first.enqueuedTimeUtc.getTime() - Date.now()) < 60_000);
  });
});

Deno.test("a restarted server has the same events, offsets, keys and port", async () => {
  await withEventHubs(async (server, directory) => {
    await withProducer(server, async (producer) => {
      await producer.sendBatch([{ body: "a" }, { body: "b" }], { partitionId: "2" });
    });
    const before = await receive(server, { count: 2, partition: "2" });
    await server.close();
    const again = await startQuietly({ directory, port: server.port });
    try {
      assert.equal(again.connectionString(HUB), server.connectionString(HUB));
      await withProducer(again, async (producer) => {
        await producer.sendBatch([{ body: "c" }], { partitionId: "2" });
      });
      const after = await receive(again, { count: 3, partition: "2" });
      assert.deepEqual(after.slice(0, 2).map((event) => event.offset), before.map((e) => e.offset));
      assert.deepEqual(after.map((event) => event.body), ["a", "b", "c"]);
      assert.deepEqual(after.map((event) => event.sequenceNumber), [0, 1, 2]);
    } finally {
      await again.close();
    }
  });
});

Deno.test("management describes the hub and its partitions", async () => {
  await withEventHubs(async (server) => {
    await withProducer(server, async (producer) => {
      await producer.sendBatch([{ body: 1 }, { body: 2 }], { partitionId: "1" });
      const hub = await producer.getEventHubProperties();
      assert.equal(hub.name, HUB);
      assert.deepEqual(hub.partitionIds, ["0", "1", "2", "3"]);
      assert.ok(hub.createdOn instanceof Date);
      const empty = await producer.getPartitionProperties("0");
      assert.equal(empty.isEmpty, true);
      assert.equal(empty.lastEnqueuedSequenceNumber, -1);
      const full = await producer.getPartitionProperties("1");
      assert.equal(full.isEmpty, false);
      assert.equal(full.beginningSequenceNumber, 0);
      assert.equal(full.lastEnqueuedSequenceNumber, 1);
      const events = await receive(server, { count: 2, partition: "1" });
      assert.equal(full.lastEnqueuedOffset, String(events[1]!.offset));
      assert.equal(full.lastEnqueuedOnUtc.getTime(), events[1]!.enqueuedTimeUtc.getTime());
    });
  });
});

Deno.test("annotated messages keep their header, annotations, properties and kind of body", async () => {
  await withEventHubs(async (server) => {
    const message = (bodyType: "value" | "sequence" | "data", body: unknown) => ({
      bodyType,
      body,
      header: { durable: true, priority: 3 },
      messageAnnotations: { own: 7, "x-opt-sequence-number": 99 },
      applicationProperties: { colour: "red" },
      properties: { messageId: "m", subject: "s", groupId: "g" },
      footer: { end: "here" },
    });
    const bodies = [["value", { a: [1, "two", null] }], ["sequence", [[1, 2], ["x"]]]] as const;
    await withProducer(server, async (producer) => {
      for (const [type, body] of bodies) {
        await producer.sendBatch([message(type, body)], { partitionId: "0" });
      }
    });
    const events = await receive(server, { count: 2, partition: "0" });
    for (const [i, [type, body]] of bodies.entries()) {
      const raw = events[i]!.getRawAmqpMessage();
      assert.equal(raw.bodyType, type);
      assert.deepEqual(events[i]!.body, body);
      assert.equal(raw.header?.durable, true);
      assert.equal(raw.header?.priority, 3);
      assert.equal(raw.messageAnnotations?.own, 7);
      assert.equal(raw.applicationProperties?.colour, "red");
      assert.equal(raw.properties?.subject, "s");
      assert.equal(events[i]!.sequenceNumber, i, "what a producer claims is not believed");
    }
  });
});

Deno.test("the SDK's buffered producer sends each key where the service would", async () => {
  await withEventHubs(async (server) => {
    const failures: unknown[] = [];
    const producer = new EventHubBufferedProducerClient(server.connectionString(HUB), {
      maxWaitTimeInMs: 50,
      onSendEventsErrorHandler: (context) => Promise.resolve(void failures.push(context.error)),
    });
    for (let i = 0; i < 300; i++) {
      await producer.enqueueEvent({ body: i }, { partitionKey: `user-${i % 30}` });
    }
    await producer.close();
    assert.deepEqual(failures, []);
    const events = await receive(server, { count: 300 });
    for (const event of events) {
      assert.equal(event.partitionId, String(partitionOfKey(`user-${event.body % 30}`, 4)));
    }
    assert.equal(new Set(events.map((event) => event.body)).size, 300);
  });
});
