import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { EventHubProducerClient } from "@azure/event-hubs";
import { azureCredential } from "clickstream/config";
import { openConsumer, openProducer, signedInHub } from "clickstream/streaming";
import { openSender } from "../../lib/streaming/hub.ts";
import { checkpointBlobs } from "../../lib/streaming/group_member.ts";
import { serveIdentity } from "../identity.ts";
import { HUB, withEventHubs } from "../emulators/event_hubs/support.ts";

const KEYLESS = "Endpoint=sb://shop.servicebus.windows.net/;EntityPath=events";

Deno.test("a connection string without a key means signing in, one with a key does not", async () => {
  assert.deepEqual(signedInHub(KEYLESS), ["shop.servicebus.windows.net", "events"]);
  assert.equal(signedInHub(`${KEYLESS};SharedAccessKeyName=a;SharedAccessKey=Yg==`), null);
  assert.equal(signedInHub(`${KEYLESS};SharedAccessSignature=SharedAccessSignature sr=x`), null);
  assert.throws(() => signedInHub(KEYLESS.replace(/;.*/, "")), /EntityPath=<hub>/);
  for (const open of [openProducer, openSender, openConsumer]) {
    const client = open({ connectionString: KEYLESS });
    assert.equal(client.fullyQualifiedNamespace, "shop.servicebus.windows.net");
    assert.equal(client.eventHubName, "events");
    await client.close();
  }
});

Deno.test("the checkpoint store is opened by its account's address and a token, or by a key", () => {
  const named = { connectionString: "https://shop.blob.core.windows.net/", container: "group" };
  const signedIn = checkpointBlobs(named);
  assert.equal(signedIn.url, "https://shop.blob.core.windows.net/group");
  assert.ok("getToken" in signedIn.credential);
  const keyed = checkpointBlobs({
    connectionString: "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=a2V5;" +
      "EndpointSuffix=core.windows.net",
    container: "group",
  });
  assert.equal(keyed.url, signedIn.url);
  assert.ok(!("getToken" in keyed.credential));
});

Deno.test("the token of who is signed in reaches the hub, and the local hub says that it takes keys", async () => {
  const identity = serveIdentity();
  await withEventHubs(async (server) => {
    const [namespace] = signedInHub(
      server.connectionString(HUB).replace(/SharedAccess[^;]*;/g, ""),
    )!;
    const webSocketOptions = { webSocket: socketTo(server.port) };
    const producer = new EventHubProducerClient(namespace, HUB, azureCredential(), {
      webSocketOptions,
      retryOptions: { maxRetries: 0, timeoutInMs: 5000 },
    });
    await assert.rejects(
      producer.getEventHubProperties(),
      /Tokens of type jwt are not supported here/,
    );
    await producer.close();
  });
  assert.deepEqual(identity.asked, ["https://eventhubs.azure.net/"]);
  await identity.close();
});

/** A WebSocket, as the SDK uses one, that leads to a plain port: the local hub speaks no TLS. */
function socketTo(port: number) {
  return class {
    binaryType = "arraybuffer";
    onopen = () => {};
    onmessage = (_event: { data: ArrayBuffer }) => {};
    onclose = () => {};
    onerror = (_error: Error) => {};
    readyState = 1;
    #socket: Socket = connect(port, "127.0.0.1");
    constructor() {
      this.#socket.on("connect", () => this.onopen());
      this.#socket.on("data", (data) => this.onmessage({ data: Uint8Array.from(data).buffer }));
      this.#socket.on("close", () => this.onclose());
      this.#socket.on("error", (error) => this.onerror(error));
    }
    send(data: Uint8Array) {
      this.#socket.write(data);
    }
    close() {
      this.#socket.end();
    }
  };
}
