import assert from "node:assert/strict";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import {
  countEvent,
  currentSql,
  historySql,
  isLatest,
  type MetricSet,
  metricSets,
  metricValues,
  timeColumn,
  trainingRowsSql,
} from "clickstream/metrics";
import { DAY, eventsRelation, keyOf, naiveValues, type TestEvent } from "./reference.ts";

const START = Date.UTC(2021, 0, 30, 22) * 1000;

/** Few keys and times, so that ties, repeats and several midnights (and a month's end) are common. */
const eventArbitrary: fc.Arbitrary<TestEvent> = fc.record({
  event_time: fc.oneof(
    fc.integer({ min: 0, max: 6 }).map((i) => START + i * 3_600_000_000),
    fc.integer({ min: 0, max: 40 }).map((i) => START + i * 7_200_000_000 + 1),
  ),
  event_type: fc.constantFrom("view", "view", "cart", "purchase", "remove_from_cart"),
  product_id: fc.constantFrom(1n, 2n, 9_007_199_254_740_993n, 9_007_199_254_740_992n),
  user_id: fc.constantFrom(1_515_915_625_353_900_095n, 1_515_915_625_353_900_096n),
  user_session: fc.constantFrom("a", "b", null),
});
const eventsArbitrary = fc.array(eventArbitrary, { maxLength: 30 });

async function withConnection(
  body: (rows: (sql: string) => Promise<Record<string, unknown>[]>) => Promise<void>,
) {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run("set timezone = 'UTC'; set threads = 1");
  try {
    await body(async (sql) => {
      const reader = await connection.runAndReadAll(sql);
      return reader.getRowObjectsJS() as Record<string, unknown>[];
    });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const micros = (value: unknown) => (value as Date).getTime() * 1000;

/** The metric values of a row, with counts as plain numbers, as the reference has them. */
function valuesOf(set: MetricSet, row: Record<string, unknown>, prefix = "") {
  return Object.fromEntries(
    Object.keys(metricValues(set, [0, 0, 0, 0], 0, "")).map((name) => {
      const value = row[prefix + name];
      return [name, typeof value === "bigint" ? Number(value) : value ?? null];
    }),
  );
}

const rowKey = (set: MetricSet, row: Record<string, unknown>) =>
  set.keys.map((key) => String(row[key])).join("|");

Deno.test("history holds the naive counts at every moment of every key, and no other rows", async () => {
  await withConnection(async (rows) => {
    await fc.assert(
      fc.asyncProperty(eventsArbitrary, async (events) => {
        // Times with a microsecond part come back from DuckDB as Dates, so compare whole ones.
        const whole = events.map((e) => ({
          ...e,
          event_time: Math.floor(e.event_time / 1000) * 1000,
        }));
        for (const set of metricSets) {
          const result = await rows(historySql(set, eventsRelation(whole)));
          const moments = new Set(whole.flatMap((event) => {
            const key = keyOf(set, event);
            const moment = set.grain === "event"
              ? event.event_time
              : Math.floor(event.event_time / DAY) * DAY + DAY;
            return key === null ? [] : [`${key}@${moment}`];
          }));
          assert.equal(result.length, moments.size);
          for (const row of result) {
            const moment = micros(row[timeColumn(set)]);
            assert.ok(moments.has(`${rowKey(set, row)}@${moment}`));
            assert.deepEqual(
              valuesOf(set, row),
              naiveValues(set, whole, rowKey(set, row), moment),
            );
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});

Deno.test("streaming counters, in any order, equal the current rows of SQL", async () => {
  await withConnection(async (rows) => {
    await fc.assert(
      fc.asyncProperty(eventsArbitrary, async (events) => {
        for (const set of metricSets.filter((s) => s.grain === "event")) {
          const states = new Map<string, { counts: number[]; time: number; type: string }>();
          for (const event of events) {
            const key = keyOf(set, event);
            if (key === null) continue;
            const state = states.get(key) ?? { counts: [0, 0, 0, 0], time: -Infinity, type: "" };
            countEvent(state.counts, 0, event.event_type);
            if (isLatest(event.event_time, event.event_type, state.time, state.type)) {
              state.time = event.event_time;
              state.type = event.event_type;
            }
            states.set(key, state);
          }
          const result = await rows(currentSql(set, eventsRelation(events)));
          assert.equal(result.length, states.size);
          for (const row of result) {
            const state = states.get(rowKey(set, row))!;
            assert.deepEqual(valuesOf(set, row), metricValues(set, state.counts, 0, state.type));
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});

Deno.test("training rows carry the label and only what was known at their time", async () => {
  await withConnection(async (rows) => {
    await fc.assert(
      fc.asyncProperty(eventsArbitrary, async (random) => {
        const events = random.map((e) => ({
          ...e,
          event_time: Math.floor(e.event_time / 1000) * 1000,
        }));
        const cutoff = START + 2 * DAY;
        for (const set of metricSets) {
          await rows(
            `create or replace temp table ${set.name}_history as ${
              historySql(set, eventsRelation(events.filter((e) => e.event_time < cutoff)))
            }`,
          );
        }
        const result = await rows(trainingRowsSql({
          events: eventsRelation(events),
          cutoff: new Date(cutoff / 1000),
          history: (set) => `${set.name}_history`,
        }));
        assert.equal(result.length, naiveTrainingRows(events, cutoff).length);
        for (const row of result) {
          const at = micros(row.event_time);
          for (const set of metricSets) {
            const moment = set.grain === "event" ? at : Math.floor(at / DAY) * DAY;
            const expected = naiveValues(set, events, rowKey(set, row), moment);
            const actual = valuesOf(set, row, `${set.name}__`);
            if (expected === null) assert.ok(Object.values(actual).every((v) => v === null));
            else assert.deepEqual(actual, expected);
          }
          assert.equal(row.label, naiveLabel(events, row, at, cutoff));
        }
      }),
      { numRuns: 40 },
    );
  });
});

function naiveTrainingRows(events: TestEvent[], cutoff: number): TestEvent[] {
  const historical = events.filter((e) => e.event_time < cutoff && e.user_session !== null);
  return historical.filter((event) => {
    const cart = historical.filter((e) =>
      e.user_id === event.user_id && e.user_session === event.user_session
    );
    const boughtBefore = cart.some((e) =>
      e.event_type === "purchase" && e.product_id === event.product_id &&
      e.event_time <= event.event_time
    );
    const open = Math.max(...cart.map((e) => e.event_time)) >= cutoff - 30 * 60_000_000;
    return event.event_type !== "purchase" && !boughtBefore && !open;
  });
}

function naiveLabel(
  events: TestEvent[],
  row: Record<string, unknown>,
  at: number,
  cutoff: number,
): number {
  return Number(
    events.some((e) =>
      e.event_type === "purchase" && e.user_id === row.user_id && e.product_id === row.product_id &&
      e.user_session === row.user_session && e.event_time > at && e.event_time < cutoff
    ),
  );
}
