import assert from "node:assert/strict";
import { Tickets, WorkQueue } from "../../lib/streaming/work_queue.ts";

Deno.test("work is taken oldest first, and is unfinished until it is done", () => {
  const queue = new WorkQueue<string, number>(new Tickets());
  for (const [i, key] of ["a", "b", "c"].entries()) queue.put(key, i);
  assert.deepEqual(queue.take(2), [["a", 0], ["b", 1]]);
  assert.equal(queue.size, 3);
  assert.equal(queue.oldest, 1);
  queue.done();
  assert.equal(queue.oldest, 3);
  assert.deepEqual(queue.take(2), [["c", 2]]);
  queue.done();
  assert.equal(queue.oldest, Infinity);
});

Deno.test("a key put again while it waits keeps its place; while it is worked on, it waits anew", () => {
  const queue = new WorkQueue<string, number>(new Tickets());
  queue.put("a", 0);
  queue.put("b", 1);
  queue.put("a", 2);
  assert.deepEqual(queue.take(1), [["a", 2]]);
  queue.put("a", 3);
  queue.done();
  assert.equal(queue.oldest, 2);
  assert.deepEqual(queue.take(2), [["b", 1], ["a", 3]]);
});

Deno.test("queues that share tickets know which of them has the oldest work", () => {
  const tickets = new Tickets();
  const [writes, deletions] = [new WorkQueue(tickets), new WorkQueue(tickets)];
  writes.put("a", 0);
  deletions.put("b", 0);
  assert.ok(writes.oldest < deletions.oldest);
  writes.cancel("a");
  writes.put("a", 0);
  assert.ok(writes.oldest > deletions.oldest);
});

Deno.test("a key that changes while its work fails keeps its place when it is taken again", () => {
  const queue = new WorkQueue<string, number>(new Tickets());
  queue.put("a", 0);
  queue.put("b", 1);
  queue.take(2);
  queue.put("a", 2);
  assert.deepEqual(queue.take(2), [["a", 0], ["b", 1]]);
  assert.deepEqual(queue.take(3), [["a", 2], ["b", 1]]);
  assert.equal(queue.oldest, 1);
  queue.done();
  assert.equal(queue.size, 0);
});

Deno.test("a piece that waits can be taken back with its value, one that is being worked on cannot", () => {
  const queue = new WorkQueue<string, number>(new Tickets());
  queue.put("a", 1);
  assert.equal(queue.cancel("a"), 1);
  assert.equal(queue.cancel("a"), undefined);
  queue.put("b", 2);
  queue.take(1);
  assert.deepEqual([queue.isTaken("b"), queue.cancel("b"), queue.size], [true, undefined, 1]);
});
