import assert from "node:assert/strict";
import { EventHubConsumerClient, EventHubProducerClient } from "@azure/event-hubs";
import type { AmqpError } from "rhea";
import { waitUntil } from "clickstream/config";
import {
  type AccessKey,
  createToken,
  type EventHubs,
} from "../../../lib/emulators/event_hubs/mod.ts";
import { connectRaw } from "./raw_client.ts";
import {
  FAST,
  HUB,
  receive,
  sendersClosed,
  startQuietly,
  withEventHubs,
  withProducer,
} from "./support.ts";

const KEYS: AccessKey[] = [
  { name: "root", key: "cm9vdA==", rights: ["Manage"] },
  { name: "sender", key: "c2VuZGVy", rights: ["Send"] },
  { name: "listener", key: "bGlzdGVuZXI=", rights: ["Listen"] },
  { name: "other-hub", key: "b3RoZXI=", rights: ["Send"], hub: "other" },
];

Deno.test("a key sends only with the Send right and listens only with the Listen right", async () => {
  await withEventHubs(async (server) => {
    await sends(server, "root");
    await sends(server, "sender");
    await assert.rejects(sends(server, "listener"), { code: "UnauthorizedError" });
    await assert.rejects(sends(server, "other-hub"), { code: "UnauthorizedError" });
    assert.equal(await failureOfListening(server, "root"), null);
    assert.equal(await failureOfListening(server, "listener"), null);
    assert.equal(await failureOfListening(server, "sender"), "UnauthorizedError");
  }, { keys: KEYS });
});

Deno.test("a wrong key, an unknown name and an expired token are refused", async () => {
  await withEventHubs(async (server) => {
    const good = server.connectionString(HUB, "root");
    for (const wrong of [good.replace("cm9vdA==", "d3Jvbmc="), good.replace("=root", "=nobody")]) {
      await assert.rejects(send(new EventHubProducerClient(wrong, FAST)), {
        code: "UnauthorizedError",
      });
    }
    const expired = withToken(server, Date.now() - 10_000);
    await assert.rejects(send(new EventHubProducerClient(expired, FAST)), {
      code: "UnauthorizedError",
    });
    await send(new EventHubProducerClient(withToken(server, Date.now() + 60_000), FAST));
  }, { keys: KEYS });
});

Deno.test("a link is detached when its token runs out", async () => {
  let now = Date.now();
  await withEventHubs(async (server) => {
    const producer = new EventHubProducerClient(withToken(server, now + 60_000), FAST);
    await producer.sendBatch([{ body: 1 }]);
    now += 61_000;
    await waitUntil(() => server.status().connections === 1 && sendersClosed(producer), {
      what: "the link to be detached",
    });
    await assert.rejects(producer.sendBatch([{ body: 2 }]), { code: "UnauthorizedError" });
    await producer.close();
  }, { keys: KEYS, now: () => now });
});

Deno.test("a receiver is detached when its token runs out, and goes on with a new one", async () => {
  let now = Date.now();
  await withEventHubs(async (server) => {
    const client = await connectRaw(server, now + 60_000);
    const address = `${HUB}/ConsumerGroups/$Default/Partitions/0`;
    const first = await client.receive(address, 10);
    now += 50_000;
    await client.putToken(now + 60_000);
    now += 50_000;
    await withProducer(server, (one) => one.sendBatch([{ body: 1 }], { partitionId: "0" }));
    await waitUntil(() => first.received === 1, { what: "the renewed link to receive" });
    const closed = new Promise<void>((resolve) => {
      first.receiver.once("receiver_error", () => resolve());
    });
    now += 61_000;
    await closed;
    const { condition, description } = first.receiver.error as AmqpError;
    assert.equal(condition, "amqp:unauthorized-access");
    assert.match(description!, /ExpiredToken/);
    await client.putToken(now + 60_000);
    const again = await client.receive(address, 10);
    await waitUntil(() => again.received === 1, { what: "the new link to receive" });
    await client.close();
  }, { now: () => now });
});

Deno.test("keys are made and given other rights while the server runs, and outlive it", async () => {
  await withEventHubs(async (server, directory) => {
    server.createKey({ name: "reports", rights: ["Listen"], hub: HUB });
    await assert.rejects(sends(server, "reports"), { code: "UnauthorizedError" });
    assert.equal(await failureOfListening(server, "reports"), null);
    const { key } = server.createKey({ name: "reports", rights: ["Send"] });
    await sends(server, "reports");
    await server.close();
    const again = await startQuietly({ directory });
    assert.equal(again.createKey({ name: "reports", rights: ["Send", "Listen"] }).key, key);
    await sends(again, "reports");
    assert.equal(await failureOfListening(again, "reports"), null);
    const wrong = (definition: object) => () =>
      again.createKey({ name: "x", rights: ["Send"], ...definition });
    assert.throws(wrong({ name: "no name" }), /is no name for a key/);
    assert.throws(wrong({ rights: [] }), /at least one right/);
    assert.throws(wrong({ rights: ["Delete"] }), /"Delete" is no right/);
    assert.throws(wrong({ hub: "nothing" }), /no hub nothing/);
    await again.close();
  });
});

Deno.test("management answers only those who have some right on the hub", async () => {
  await withEventHubs(async (server) => {
    const stranger = new EventHubProducerClient(server.connectionString(HUB, "other-hub"), FAST);
    await assert.rejects(stranger.getEventHubProperties(), { code: "UnauthorizedError" });
    await stranger.close();
    const listener = new EventHubProducerClient(server.connectionString(HUB, "listener"), FAST);
    assert.equal((await listener.getEventHubProperties()).name, HUB);
    await listener.close();
  }, { keys: KEYS });
});

Deno.test("the key made at the first start is kept for the next, unreadable for others", async () => {
  await withEventHubs(async (server, directory) => {
    await withProducer(server, (producer) => producer.sendBatch([{ body: "x" }]));
    assert.equal((await receive(server, { count: 1 })).length, 1);
    const { mode } = Deno.statSync(`${directory}/keys.json`);
    assert.equal(mode! & 0o077, 0);
  });
});

async function sends(server: EventHubs, keyName: string): Promise<void> {
  await send(new EventHubProducerClient(server.connectionString(HUB, keyName), FAST));
}

async function send(producer: EventHubProducerClient): Promise<void> {
  try {
    await producer.sendBatch([{ body: "hello" }]);
  } finally {
    await producer.close();
  }
}

async function failureOfListening(server: EventHubs, keyName: string): Promise<string | null> {
  const consumer = new EventHubConsumerClient(
    "$Default",
    server.connectionString(HUB, keyName),
    FAST,
  );
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const subscription = consumer.subscribe("0", {
    processEvents: () => Promise.resolve(resolve(null)),
    processError: (error) => Promise.resolve(resolve((error as { code?: string }).code ?? "?")),
  }, { startPosition: { offset: "-1" }, maxWaitTimeInSeconds: 0.2 });
  try {
    return await promise;
  } finally {
    await subscription.close();
    await consumer.close();
  }
}

function withToken(server: EventHubs, expiresMs: number): string {
  const token = createToken(`sb://127.0.0.1/${HUB}`, KEYS[0]!, expiresMs);
  return `Endpoint=sb://127.0.0.1:${server.port};SharedAccessSignature=${token};` +
    `UseDevelopmentEmulator=true;EntityPath=${HUB}`;
}
