import assert from "node:assert/strict";
import { type HubMessage, readBody } from "../../lib/streaming/decode.ts";
import { packMessages, unpackMessages } from "../../lib/streaming/packed_messages.ts";

const message = (sequenceNumber: number, body: Uint8Array): HubMessage => ({
  partition: 3,
  sequenceNumber,
  offset: String(sequenceNumber * 100),
  enqueuedTime: 1_700_000_000_123_456 + sequenceNumber,
  ...readBody(body),
});

Deno.test("packed messages that were cloned for another thread come out as they were, texts and bytes alike", () => {
  const messages = [
    message(7, new TextEncoder().encode('{"brand":"ä€😀"}')),
    message(8, Uint8Array.of(0xff, 0xfe, 0)),
    message(2 ** 53 - 1, new Uint8Array()),
  ];
  assert.deepEqual(messages.map((m) => m.bodyEncoding), [null, "base64", null]);
  assert.deepEqual(unpackMessages(3, structuredClone(packMessages(messages))), messages);
});

Deno.test("no messages pack into none", () => {
  assert.deepEqual(unpackMessages(0, packMessages([])), []);
});
