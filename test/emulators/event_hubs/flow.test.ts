import assert from "node:assert/strict";
import { EventHubConsumerClient, EventHubProducerClient } from "@azure/event-hubs";
import { createHash } from "node:crypto";
import { waitUntil } from "clickstream/config";
import { connectRaw } from "./raw_client.ts";
import { FAST, HUB, receive, withEventHubs, withProducer } from "./support.ts";

Deno.test("more events than any window holds arrive once, in order, in every partition", async () => {
  await withEventHubs(async (server) => {
    const each = 6000;
    await withProducer(
      server,
      (producer) =>
        Promise.all(["0", "1", "2", "3"].map(async (partitionId) => {
          for (let sent = 0; sent < each; sent += 1500) {
            const events = Array.from({ length: 1500 }, (_, i) => ({ body: sent + i }));
            await producer.sendBatch(events, { partitionId });
          }
        })),
    );
    const events = await receive(server, { count: 4 * each, timeoutMs: 20_000 });
    for (const id of ["0", "1", "2", "3"]) {
      const mine = events.filter((event) => event.partitionId === id);
      assert.deepEqual(mine.map((event) => event.body), [...Array(each).keys()]);
    }
  });
});

Deno.test("many producers and consumers at once lose nothing and mix nothing up", async () => {
  await withEventHubs(async (server) => {
    const producers = Array.from(
      { length: 12 },
      () => new EventHubProducerClient(server.connectionString(HUB), FAST),
    );
    const sent = Promise.all(producers.map(async (producer, who) => {
      for (let i = 0; i < 20; i++) {
        const events = Array.from({ length: 10 }, (_, j) => ({ body: { who, n: i * 10 + j } }));
        await producer.sendBatch(events, { partitionKey: `producer-${who}` });
      }
    }));
    const groups = ["$Default", "second", "$Default"];
    const received = await Promise.all(
      groups.map((group) => receive(server, { count: 2400, group, timeoutMs: 20_000 })),
    );
    await sent;
    for (const events of received) {
      for (let who = 0; who < 12; who++) {
        const mine = events.filter((event) => event.body.who === who);
        assert.deepEqual(mine.map((event) => event.body.n), [...Array(200).keys()]);
        assert.equal(new Set(mine.map((event) => event.partitionId)).size, 1);
      }
    }
    await Promise.all(producers.map((producer) => producer.close()));
  });
});

Deno.test("bodies of any size come back byte for byte", async () => {
  await withEventHubs(async (server) => {
    const sizes = [0, 1, 254, 255, 256, 257, 65_400, 65_436, 65_499, 65_536, 65_600, 131_072];
    const bodies = sizes.map((size) => Uint8Array.from({ length: size }, (_, i) => i * 31 % 251));
    await withProducer(server, async (producer) => {
      for (const body of bodies) await producer.sendBatch([{ body }], { partitionId: "0" });
    });
    const events = await receive(server, { count: sizes.length, partition: "0" });
    const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
    assert.deepEqual(events.map((event) => event.body.length), sizes);
    assert.deepEqual(events.map((event) => digest(event.body)), bodies.map(digest));
  });
});

Deno.test("a consumer that never reads its socket harms nobody and holds little memory", async () => {
  await withEventHubs(async (server) => {
    await withProducer(server, async (producer) => {
      const body = "x".repeat(10_000);
      for (let i = 0; i < 60; i++) {
        const events = Array.from({ length: 90 }, () => ({ body }));
        await producer.sendBatch(events, { partitionId: "0" });
      }
      const stuck = await connectRaw(server);
      await stuck.receive(`${HUB}/ConsumerGroups/$Default/Partitions/0`, 1_000_000);
      stuck.socket.pause();
      await waitUntil(() => server.status().hubs[0]!.partitions[0]!.eventsOut > 50, {
        what: "the stuck one to be sent something",
      });
      const others = await receive(server, { count: 5400, partition: "0", group: "second" });
      assert.equal(others.length, 5400);
      await producer.sendBatch([{ body: "still" }], { partitionId: "0" });
      const given = server.status().hubs[0]!.groups[0]!.partitions[0]!;
      // 54 MB are there; sockets and buffers take some, the rest waits on disk.
      assert.ok(given.lag! > 1000, `only ${given.lag} of the stuck one's events wait`);
      stuck.socket.resume();
      await waitUntil(() => server.status().hubs[0]!.groups[0]!.partitions[0]!.lag! < given.lag!, {
        what: "the stuck one to be served again",
      });
      await stuck.close();
    });
  });
});

Deno.test("a consumer that takes its time is given events as it asks for them", async () => {
  await withEventHubs(async (server) => {
    await withProducer(
      server,
      (producer) =>
        producer.sendBatch(Array.from({ length: 3000 }, (_, i) => ({ body: i })), {
          partitionId: "0",
        }),
    );
    const consumer = new EventHubConsumerClient("$Default", server.connectionString(HUB), FAST);
    const bodies: unknown[] = [];
    const subscription = consumer.subscribe("0", {
      processEvents: (events) => {
        bodies.push(...events.map((event) => event.body));
        return Promise.resolve();
      },
      processError: (error) => Promise.reject(error),
    }, { startPosition: { offset: "-1" }, maxBatchSize: 100, prefetchCount: 100 } as never);
    await waitUntil(() => bodies.length >= 1000, { what: "a thousand events" });
    await subscription.close();
    await consumer.close();
    assert.deepEqual(bodies, [...Array(bodies.length).keys()]);
  });
});

Deno.test("a receiver that drains its credit is told when there is nothing left", async () => {
  await withEventHubs(async (server) => {
    await withProducer(
      server,
      (producer) => producer.sendBatch([{ body: 1 }, { body: 2 }], { partitionId: "0" }),
    );
    const client = await connectRaw(server);
    const link = await client.receive(`${HUB}/ConsumerGroups/$Default/Partitions/0`, 100);
    await waitUntil(() => link.received === 2, { what: "both events" });
    const drained = new Promise<void>((resolve) => link.receiver.once("receiver_drained", resolve));
    link.receiver.drain_credit();
    await drained;
    assert.equal(link.receiver.credit, 0);
    await client.close();
  });
});

Deno.test("a receiver that wants to answer each delivery is given them unsettled", async () => {
  await withEventHubs(async (server) => {
    await withProducer(
      server,
      (producer) =>
        producer.sendBatch(Array.from({ length: 5000 }, (_, i) => ({ body: i })), {
          partitionId: "0",
        }),
    );
    const client = await connectRaw(server);
    const address = `${HUB}/ConsumerGroups/$Default/Partitions/0`;
    const link = await client.receive(address, 10_000, { snd_settle_mode: 0 });
    await waitUntil(() => link.received === 5000, { what: "all events" });
    assert.equal(link.settledByServer, 0);
    await client.close();
  });
});
