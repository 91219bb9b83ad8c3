import assert from "node:assert/strict";
import { EventHubConsumerClient, EventHubProducerClient } from "@azure/event-hubs";
import { connect } from "node:net";
import { waitUntil } from "clickstream/config";
import { connectRaw } from "./raw_client.ts";
import { FAST, HUB, receive, withEventHubs, withProducer } from "./support.ts";

/** The SDK does not notice a link that goes while it sends; a short timeout makes it try again. */
const SOON = { retryOptions: { maxRetries: 3, timeoutInMs: 1000, retryDelayInMs: 50 } } as const;

Deno.test("a batch may hold up to 1 MiB, and one large body comes back whole", async () => {
  await withEventHubs(async (server) => {
    await withProducer(server, async (producer) => {
      const batch = await producer.createBatch({ partitionId: "0" });
      assert.equal(batch.maxSizeInBytes, 1024 * 1024);
      const body = "x".repeat(1_000_000);
      assert.ok(batch.tryAdd({ body }));
      assert.equal(batch.tryAdd({ body }), false);
      await producer.sendBatch(batch);
      const [event] = await receive(server, { count: 1, partition: "0" });
      assert.equal(event!.body, body);
    });
  });
});

Deno.test("a larger one is refused by name and leaves the producer usable", async () => {
  await withEventHubs(async (server) => {
    await withProducer(server, async (producer) => {
      const slightly = [{ body: "x".repeat(1_100_000) }];
      await assert.rejects(producer.sendBatch(slightly), { code: "MessageTooLargeError" });
      const far = [{ body: "x".repeat(5_000_000) }];
      await assert.rejects(producer.sendBatch(far), { code: "MessageTooLargeError" });
      await producer.sendBatch([{ body: "fits" }], { partitionId: "1" });
      const [event] = await receive(server, { count: 1, partition: "1" });
      assert.equal(event!.body, "fits");
      assert.equal(server.status().hubs[0]!.partitions.reduce((n, one) => n + one.events, 0), 1);
    });
  });
});

Deno.test("unknown hubs, groups and partitions are errors with the service's codes", async () => {
  await withEventHubs(async (server) => {
    const stranger = new EventHubProducerClient(server.connectionString("nothing"), FAST);
    await assert.rejects(stranger.sendBatch([{ body: 1 }]), {
      code: "MessagingEntityNotFoundError",
    });
    await assert.rejects(stranger.getEventHubProperties(), {
      code: "MessagingEntityNotFoundError",
    });
    await stranger.close();
    await withProducer(server, async (producer) => {
      const far = producer.sendBatch([{ body: 1 }], { partitionId: "9" });
      await assert.rejects(far, { code: "ArgumentOutOfRangeError" });
      await assert.rejects(producer.getPartitionProperties("9"), {
        code: "ArgumentOutOfRangeError",
      });
    });
    const group = receive(server, { count: 1, partition: "0", group: "nobody" });
    await assert.rejects(group, { code: "MessagingEntityNotFoundError" });
  });
});

Deno.test("hubs and groups are made, and removed with their links", async () => {
  await withEventHubs(async (server) => {
    server.createHub({ name: "made", partitions: 1, consumerGroups: ["late"] });
    server.createHub({ name: "made", partitions: 1, consumerGroups: ["later"] });
    const made = server.status().hubs.find((hub) => hub.name === "made")!;
    assert.deepEqual(made.groups.map((group) => group.name), ["$Default", "late", "later"]);
    assert.throws(() => server.createHub({ name: "made", partitions: 2 }), /has 1 partitions/);
    assert.throws(() => server.createHub({ name: "../up", partitions: 1 }), /is no name/);
    assert.throws(() => server.createHub({ name: "wide", partitions: 99 }), /1 to 32 partitions/);
    const producer = new EventHubProducerClient(server.connectionString("MADE"), SOON);
    await producer.sendBatch([{ body: 1 }]);
    await server.deleteHub("made");
    await assert.rejects(producer.sendBatch([{ body: 2 }]));
    await producer.close();
  });
});

Deno.test("resetHub empties the hub under connected clients, which can go on", async () => {
  await withEventHubs(async (server) => {
    const producer = new EventHubProducerClient(server.connectionString(HUB), SOON);
    await producer.sendBatch([{ body: "old" }], { partitionId: "0" });
    await receive(server, { count: 1, partition: "0" });
    await server.resetHub(HUB);
    const [partition] = server.status().hubs[0]!.partitions;
    assert.deepEqual([partition!.events, partition!.eventsIn], [0, 0]);
    assert.equal(server.status().hubs[0]!.groups[0]!.partitions[0]!.lag, null);
    await producer.sendBatch([{ body: "new" }], { partitionId: "0" });
    const [event] = await receive(server, { count: 1, partition: "0" });
    assert.equal(event!.body, "new");
    assert.equal(event!.sequenceNumber, 0);
    await producer.close();
  });
});

Deno.test("a connection without links is closed after a while, one with a link stays", async () => {
  let now = Date.now();
  await withEventHubs(async (server) => {
    await withProducer(server, async (producer) => {
      await producer.getEventHubProperties();
      assert.equal(server.status().connections, 1);
      now += 400_000;
      await waitUntil(() => server.status().connections === 0, { what: "the idle one to go" });
      await producer.sendBatch([{ body: 1 }]);
      now += 400_000;
      await producer.sendBatch([{ body: 2 }]);
      assert.equal(server.status().connections, 1);
    });
  }, { now: () => now });
});

Deno.test("a connection that never opens is cut off", async () => {
  let now = Date.now();
  await withEventHubs(async (server) => {
    const socket = connect(server.port, "127.0.0.1");
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    await waitUntil(() => server.status().connections === 1, { what: "the connection" });
    now += 30_000;
    await closed;
    assert.equal(server.status().connections, 0);
  }, { now: () => now });
});

Deno.test("a client that vanished without a word is cut off and frees its partition", async () => {
  await withEventHubs(async (server) => {
    const address = `${HUB}/ConsumerGroups/$Default/Partitions/0`;
    const owner = (level: number) => ({ properties: { "com.microsoft:epoch": level } });
    const gone = await connectRaw(server);
    await gone.receive(address, 10, owner(9));
    const present = await connectRaw(server);
    const other = await present.receive(`${HUB}/ConsumerGroups/second/Partitions/0`, 10);
    // From here on nothing of it reaches the server, and no end does either.
    gone.socket.write = () => true;
    gone.socket.pause();
    await waitUntil(() => server.status().connections === 1, { what: "the silent one to be cut" });
    const next = await present.receive(address, 10, owner(1));
    await withProducer(server, (one) => one.sendBatch([{ body: 1 }], { partitionId: "0" }));
    await waitUntil(() => next.received + other.received === 2, { what: "the others to receive" });
    gone.socket.destroy();
    await present.close();
  }, { heartbeatMs: 200 });
});

Deno.test("a client that connects while there are too many is turned away", async () => {
  await withEventHubs(async (server) => {
    await withProducer(server, async (producer) => {
      await producer.sendBatch([{ body: 1 }]);
      const second = connect(server.port, "127.0.0.1");
      await new Promise<void>((resolve) => second.once("close", () => resolve()));
      await producer.sendBatch([{ body: 2 }]);
    });
  }, { maxConnections: 1 });
});

Deno.test("the status counts events in and out and the lag of a group", async () => {
  await withEventHubs(async (server) => {
    await withProducer(server, async (producer) => {
      await producer.sendBatch([{ body: 1 }, { body: 2 }], { partitionId: "0" });
      await receive(server, { count: 2, partition: "0", group: "second" });
      await producer.sendBatch([{ body: 3 }], { partitionId: "0" });
    });
    const hub = server.status().hubs[0]!;
    const { eventsIn, eventsOut, lastSequence } = hub.partitions[0]!;
    assert.deepEqual({ eventsIn, eventsOut, lastSequence }, {
      eventsIn: 3,
      eventsOut: 2,
      lastSequence: 2,
    });
    const second = hub.groups.find((group) => group.name === "second")!;
    assert.equal(second.partitions[0]!.lag, 1);
  });
});

Deno.test("closing the server ends its clients' connections", async () => {
  await withEventHubs(async (server) => {
    const consumer = new EventHubConsumerClient("$Default", server.connectionString(HUB), FAST);
    const { promise, resolve } = Promise.withResolvers<Error>();
    const subscription = consumer.subscribe("0", {
      processEvents: () => Promise.resolve(),
      processError: (error) => Promise.resolve(resolve(error)),
    }, { startPosition: { offset: "-1" }, maxWaitTimeInSeconds: 0.1 });
    const receivers = () => server.status().hubs[0]!.groups[0]!.partitions[0]!.receivers.length;
    await waitUntil(() => receivers() === 1, { what: "the receiver" });
    await server.close();
    assert.ok(await promise instanceof Error);
    await subscription.close();
    await consumer.close();
  });
});
