import assert from "node:assert/strict";
import type { HubMessage } from "../../lib/streaming/decode.ts";
import { MessageBuffer } from "../../lib/streaming/message_buffer.ts";

const messages = (partition: number, from: number, to: number): HubMessage[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({
    partition,
    sequenceNumber: from + i,
    offset: String(from + i),
    enqueuedTime: 0,
    body: "",
    bodyEncoding: null,
  }));

const numbers = (taken: HubMessage[], partition: number) =>
  taken.filter((m) => m.partition === partition).map((m) => m.sequenceNumber);

Deno.test("each partition's messages come out once and in order", async () => {
  const buffer = new MessageBuffer(100);
  await buffer.put(0, messages(0, 0, 4));
  await buffer.put(1, messages(1, 0, 2));
  const first = buffer.take(4);
  await buffer.put(0, messages(0, 5, 6));
  const rest = [...first, ...buffer.take(100)];
  assert.deepEqual(numbers(rest, 0), [0, 1, 2, 3, 4, 5, 6]);
  assert.deepEqual(numbers(rest, 1), [0, 1, 2]);
  assert.equal(buffer.size, 0);
});

Deno.test("a planned batch is taken with exactly its end positions", async () => {
  const buffer = new MessageBuffer(100);
  const planned = { ends: { "0": 2, "1": 0 }, watermark: null };
  await buffer.put(0, messages(0, 0, 4));
  assert.equal(buffer.covers(planned, new Map()), false);
  await buffer.put(1, messages(1, 0, 2));
  assert.equal(buffer.covers(planned, new Map()), true);
  const taken = buffer.takePlanned(planned);
  assert.deepEqual(numbers(taken, 0), [0, 1, 2]);
  assert.deepEqual(numbers(taken, 1), [0]);
});

Deno.test("a receiver waits while the buffer is full, and goes on when there is room", async () => {
  const buffer = new MessageBuffer(3);
  await buffer.put(0, messages(0, 0, 2));
  let stored = false;
  const waiting = buffer.put(0, messages(0, 3, 5)).then(() => stored = true);
  await Promise.resolve();
  assert.equal(stored, false);
  buffer.take(100);
  await waiting;
  assert.equal(stored, true);
});

Deno.test("what is of no use without further messages fills no room", async () => {
  const buffer = new MessageBuffer(3);
  await buffer.put(0, messages(0, 0, 2));
  const late = buffer.put(0, messages(0, 3, 5));
  const waiting = buffer.arrival(10_000, buffer.size);
  await late;
  await buffer.put(1, messages(1, 0, 0));
  await waiting;
  assert.equal(buffer.size, 7);
  // Once it is of use, it is counted again.
  await buffer.arrival(10_000, 0);
  let stored = false;
  const full = buffer.put(1, messages(1, 1, 1)).then(() => stored = true);
  await Promise.resolve();
  assert.equal(stored, false);
  buffer.take(100);
  await full;
});

Deno.test("waiting for more than is held ends when more arrives, not at once", async () => {
  const buffer = new MessageBuffer(100);
  await buffer.put(0, messages(0, 0, 2));
  let arrived = false;
  const waiting = buffer.arrival(10_000, 3).then(() => arrived = true);
  await Promise.resolve();
  assert.equal(arrived, false);
  await buffer.put(0, messages(0, 3, 3));
  await waiting;
  assert.equal(arrived, true);
});
