import assert from "node:assert/strict";
import { StreamError } from "clickstream/streaming";
import { amqpBody } from "../../lib/streaming/hub.ts";
import { HubReader } from "../../lib/streaming/hub_reader.ts";

const connectionString =
  "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=a;SharedAccessKey=b;EntityPath=c;UseDevelopmentEmulator=true";

Deno.test("a thread that cannot start fails the reader at once, by its own reason", async () => {
  const broken = new URL("data:text/javascript,throw new Error('no room for a thread')");
  const started = performance.now();
  await assert.rejects(
    () => HubReader.open({ connectionString }, broken),
    (error: Error) => error instanceof StreamError && /no room for a thread/.test(error.message),
  );
  assert.ok(performance.now() - started < 4000, "a thread that is gone is not waited for");
});

for (
  const [what, told] of [
    ["hands on what cannot be taken in", /could not be taken in/],
    ["dies in the middle of its work", /thread that reads .* out of order/],
  ] as const
) {
  Deno.test(`a thread that ${what} is told of before anything that follows is taken`, async () => {
    const script = new URL("./broken_thread.ts", import.meta.url);
    const reader = await HubReader.open({ connectionString: what }, script);
    try {
      const failure = Promise.withResolvers<StreamError>();
      let held: number[] = [];
      await reader.start(new Map(), (error) => {
        held = reader.buffer.take(100).map((message) => message.sequenceNumber);
        failure.resolve(error);
      });
      assert.match((await failure.promise).message, told);
      assert.deepEqual(held, [0]);
    } finally {
      await reader.close();
    }
  });
}

Deno.test("what the thread finds wrong is told in the same words as without one", async () => {
  await assert.rejects(
    () => HubReader.open({ connectionString: "Endpoint=sb://127.0.0.1:1/" }),
    (error: Error) => error instanceof StreamError && /names no hub/.test(error.message),
  );
});

Deno.test("a message's body is text whatever its producer made of it", () => {
  const text = (body: string) => ({ body, bodyEncoding: null });
  assert.deepEqual(amqpBody(new TextEncoder().encode("ä")), text("ä"));
  assert.deepEqual(amqpBody("a value"), text("a value"));
  assert.deepEqual(amqpBody({ a: 1 }), text('{"a":1}'));
  assert.deepEqual(amqpBody(null), text("null"));
  assert.deepEqual(amqpBody(undefined), text(""));
  assert.deepEqual(amqpBody(Uint8Array.of(0xff)), { body: "/w==", bodyEncoding: "base64" });
});
