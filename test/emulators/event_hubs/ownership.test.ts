import assert from "node:assert/strict";
import { EventHubConsumerClient, type Subscription } from "@azure/event-hubs";
import { waitUntil } from "clickstream/config";
import type { EventHubs } from "../../../lib/emulators/event_hubs/mod.ts";
import { FAST, HUB, withEventHubs, withProducer } from "./support.ts";

interface Reader {
  bodies: unknown[];
  errors: string[];
  close(): Promise<void>;
}

Deno.test("an owner with a higher or equal level takes the partition from the present one", async () => {
  await withEventHubs(async (server) => {
    const first = read(server, 1);
    await receivers(server, 1);
    const second = read(server, 2);
    await waitUntil(() => first.errors.length > 0, { what: "the first to be disconnected" });
    assert.deepEqual(first.errors, ["ReceiverDisconnectedError"]);
    await withProducer(
      server,
      (producer) => producer.sendBatch([{ body: "hello" }], { partitionId: "0" }),
    );
    await waitUntil(() => second.bodies.length > 0, { what: "the second to receive" });
    assert.deepEqual(first.bodies, []);
    const third = read(server, 2);
    await waitUntil(() => second.errors.length > 0, { what: "the second to be disconnected" });
    await Promise.all([first, second, third].map((one) => one.close()));
  });
});

Deno.test("a lower level, or none, is refused while an owner is there", async () => {
  await withEventHubs(async (server) => {
    const owner = read(server, 5);
    await receivers(server, 1);
    const lower = read(server, 4);
    const none = read(server);
    await waitUntil(() => lower.errors.length > 0 && none.errors.length > 0, { what: "refusals" });
    assert.equal(lower.errors[0], "ReceiverDisconnectedError");
    assert.equal(none.errors[0], "ReceiverDisconnectedError");
    assert.deepEqual(owner.errors, []);
    await Promise.all([owner, lower, none].map((one) => one.close()));
  });
});

Deno.test("without levels five may share a partition of a group, a sixth may not", async () => {
  await withEventHubs(async (server) => {
    const readers = Array.from({ length: 5 }, () => read(server));
    await receivers(server, 5);
    const sixth = read(server);
    await waitUntil(() => sixth.errors.length > 0, { what: "the sixth to be refused" });
    assert.deepEqual(readers.flatMap((one) => one.errors), []);
    await withProducer(
      server,
      (producer) => producer.sendBatch([{ body: "to all" }], { partitionId: "0" }),
    );
    await waitUntil(() => readers.every((one) => one.bodies.length === 1), { what: "all five" });
    await Promise.all([...readers, sixth].map((one) => one.close()));
  });
});

Deno.test("a closed owner leaves the partition free for anybody", async () => {
  await withEventHubs(async (server) => {
    const owner = read(server, 9);
    await receivers(server, 1);
    await owner.close();
    await receivers(server, 0);
    const none = read(server);
    await receivers(server, 1);
    assert.deepEqual(none.errors, []);
    await none.close();
  });
});

function read(server: EventHubs, ownerLevel?: number): Reader {
  const consumer = new EventHubConsumerClient("$Default", server.connectionString(HUB), FAST);
  const bodies: unknown[] = [];
  const errors: string[] = [];
  const subscription: Subscription = consumer.subscribe("0", {
    processEvents: (events) => {
      bodies.push(...events.map((event) => event.body));
      return Promise.resolve();
    },
    processError: (error) => {
      errors.push((error as { code?: string }).code ?? error.name);
      return Promise.resolve();
    },
  }, {
    startPosition: { offset: "-1" },
    maxWaitTimeInSeconds: 0.1,
    ...(ownerLevel === undefined ? {} : { ownerLevel }),
  });
  return {
    bodies,
    errors,
    close: async () => {
      await subscription.close();
      await consumer.close();
    },
  };
}

async function receivers(server: EventHubs, count: number): Promise<void> {
  const present = () =>
    server.status().hubs[0]!.groups.find((group) => group.name === "$Default")!.partitions[0]!
      .receivers.length;
  await waitUntil(() => present() === count, { what: `${count} receivers` });
}
