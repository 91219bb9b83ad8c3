import assert from "node:assert/strict";
import { Handover } from "../../lib/streaming/handover.ts";
import { packMessages } from "../../lib/streaming/packed_messages.ts";

function packed(count: number) {
  return packMessages(Array.from({ length: count }, (_, i) => ({
    ...{ partition: 0, sequenceNumber: i, offset: String(i), enqueuedTime: 0 },
    ...{ body: "{}", bodyEncoding: null },
  })));
}

/** Lets everything go on that does not wait. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

Deno.test("messages are handed on without waiting until too many are on their way", async () => {
  const answers: PromiseWithResolvers<void>[] = [];
  const take = () => {
    answers.push(Promise.withResolvers());
    return answers.at(-1)!.promise;
  };
  const handover = new Handover(take, assert.fail, 10);
  await handover.give(0, packed(4), 3);
  await handover.give(1, packed(6), 5);
  let given = 0;
  const late = [0, 1].map((p) => handover.give(p, packed(3), 9).then(() => given++));
  await turn();
  assert.deepEqual([answers.length, given], [4, 0]);
  answers[0]!.resolve(); // 12 are on their way
  await turn();
  assert.equal(given, 0);
  answers[3]!.resolve(); // 9
  await Promise.all(late);
});

Deno.test("messages that could not be taken in are told at once, and none follow", async () => {
  const told: string[] = [];
  const take = () => Promise.reject(new Error("no room"));
  const handover = new Handover(take, ({ message }) => void told.push(message), 10);
  await handover.give(0, packed(4), 3);
  assert.deepEqual(told, ["no room"]);
  await assert.rejects(handover.give(0, packed(1), 4), /no room/);
});
