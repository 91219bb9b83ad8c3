import assert from "node:assert/strict";
import { IDLE_MILLIS, LATENESS_MICROS, Watermark } from "../../lib/streaming/watermark.ts";

const HOUR = LATENESS_MICROS;

Deno.test("an event is late when it is more than an hour behind its own partition", () => {
  const watermark = new Watermark(2, 0);
  assert.equal(watermark.observe(0, 10 * HOUR, 0), false);
  assert.equal(watermark.observe(0, 9 * HOUR, 0), false);
  assert.equal(watermark.observe(0, 9 * HOUR - 1, 0), true);
  assert.equal(watermark.observe(1, 2 * HOUR, 0), false);
});

Deno.test("the watermark is an hour behind the slowest partition", () => {
  const watermark = new Watermark(2, 0);
  watermark.observe(0, 10 * HOUR, 0);
  watermark.observe(1, 5 * HOUR, 0);
  assert.equal(watermark.advance(0), 4 * HOUR);
});

Deno.test("a partition without any event holds the watermark back until it is idle", () => {
  const watermark = new Watermark(2, 0);
  watermark.observe(0, 10 * HOUR, IDLE_MILLIS);
  assert.equal(watermark.advance(IDLE_MILLIS - 1), -Infinity);
  assert.equal(watermark.advance(IDLE_MILLIS), 9 * HOUR);
});

Deno.test("the watermark never goes back, as when an idle partition wakes up", () => {
  const watermark = new Watermark(2, 0);
  watermark.observe(0, 10 * HOUR, IDLE_MILLIS);
  watermark.advance(IDLE_MILLIS);
  watermark.observe(1, 3 * HOUR, IDLE_MILLIS);
  assert.equal(watermark.advance(IDLE_MILLIS), 9 * HOUR);
});

Deno.test("after a restart lateness is judged by what the tables hold", () => {
  const watermark = new Watermark(1, 0, new Map([[0, 10 * HOUR]]), 8 * HOUR);
  assert.equal(watermark.value, 8 * HOUR);
  assert.equal(watermark.observe(0, 8 * HOUR, 0), true);
});
