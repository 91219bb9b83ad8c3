import assert from "node:assert/strict";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import {
  countEvent,
  currentSql,
  elapsedFeatures,
  elapsedTimes,
  featureColumns,
  historySql,
  inferenceColumns,
  joinedName,
  keptColumns,
  metricReaders,
  type MetricSet,
  metricSets,
  type StateColumn,
  stateColumns,
  timeColumn,
  trainingColumns,
  trainingRowsSql,
  valueColumns,
} from "clickstream/metrics";
import {
  DAY,
  eventsRelation,
  keyOf,
  naiveElapsed,
  naiveValues,
  type TestEvent,
  type Values,
} from "./reference.ts";

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
  price: fc.constantFrom(null, 0.1, 0.2, 12.345678, 0.00005, 1099.99, 3e11),
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

/** Values of a row as the reference has them: counts as numbers, times in microseconds. */
function pick(row: Record<string, unknown>, names: readonly string[], prefix = ""): Values {
  return Object.fromEntries(names.map((name) => {
    const value = row[prefix + name] ?? null;
    if (value instanceof Date) return [name, micros(value)];
    return [name, typeof value === "bigint" ? Number(value) : value as Values[string]];
  }));
}

/** The values of a set's tables without those that only current rows have. */
function historyNames(set: MetricSet): string[] {
  const kept = keptColumns(set);
  return valueColumns(set).filter((name) => !kept.includes(name));
}

/** Times have a microsecond part, but come back from DuckDB as Dates: so compare whole ones. */
const toMillis = (e: TestEvent) => ({ ...e, event_time: Math.floor(e.event_time / 1000) * 1000 });

const rowKey = (set: MetricSet, row: Record<string, unknown>) =>
  set.keys.map((key) => String(row[key])).join("|");

Deno.test("history holds the naive counts at every moment of every key, and no other rows", async () => {
  await withConnection(async (rows) => {
    await fc.assert(
      fc.asyncProperty(eventsArbitrary, async (events) => {
        const whole = events.map(toMillis);
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
            const names = historyNames(set);
            const expected = naiveValues(set, whole, rowKey(set, row), moment)!;
            assert.deepEqual(pick(row, names), pick(expected, names));
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});

Deno.test("current rows hold the naive values over all events", async () => {
  await withConnection(async (rows) => {
    await fc.assert(
      fc.asyncProperty(eventsArbitrary, async (random) => {
        const events = random.map(toMillis);
        for (const set of metricSets) {
          const result = await rows(currentSql(set, eventsRelation(events)));
          const keys = new Set(events.map((event) => keyOf(set, event)).filter((k) => k !== null));
          assert.deepEqual(new Set(result.map((row) => rowKey(set, row))), keys);
          assert.equal(result.length, keys.size);
          for (const row of result) {
            const moment = micros(row.event_time);
            const expected = naiveValues(set, events, rowKey(set, row), moment);
            assert.deepEqual(pick(row, valueColumns(set)), expected);
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});

/** The further and kept values of the first slot. */
function valuesOf({ readers }: StateColumn): Values {
  return Object.fromEntries(Object.entries(readers).map(([name, read]) => [name, read(0)]));
}

/** Streaming state of one key, of a set that follows every event. */
class KeyState {
  counts = [0, 0, 0, 0];
  newest = -Infinity;
  readonly columns: StateColumn[];

  constructor(set: MetricSet) {
    this.columns = stateColumns(set);
    for (const column of this.columns) {
      column.grow(1);
      column.clear(0);
    }
  }

  add(event: TestEvent): void {
    countEvent(this.counts, 0, event.event_type);
    const { event_time: eventTime, event_type: eventType, product_id, price } = event;
    const counted = { eventTime, eventType, product_id, price };
    for (const column of this.columns) column.add(0, counted, this.newest);
    this.newest = Math.max(this.newest, eventTime);
  }

  get values(): Values {
    const metrics = Object.entries(metricReaders).map(([name, read]) => [
      name,
      read(this.counts, 0),
    ]);
    return Object.assign(Object.fromEntries(metrics), ...this.columns.map(valuesOf));
  }

  /** The same state, stored and read back. */
  stored(set: MetricSet): KeyState {
    const copy = new KeyState(set);
    copy.counts = [...this.counts];
    copy.newest = this.newest;
    for (const column of copy.columns) column.restore(0, this.values);
    return copy;
  }
}

Deno.test("streaming state, in any order and stored at any point, holds the naive values", () => {
  fc.assert(
    fc.property(eventsArbitrary, fc.nat(30), (events, storedAfter) => {
      for (const set of metricSets.filter((s) => s.grain === "event")) {
        const states = new Map<string, KeyState>();
        events.forEach((event, i) => {
          const key = keyOf(set, event);
          if (key === null) return;
          let state = states.get(key) ?? new KeyState(set);
          if (i === storedAfter) state = state.stored(set);
          state.add(event);
          states.set(key, state);
          assert.deepEqual(
            pick(state.values, valueColumns(set)),
            naiveValues(set, events.slice(0, i + 1), key, Infinity),
          );
        });
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("tables have the ten columns first, and columns are what the SQL gives", async () => {
  await withConnection(async (rows) => {
    const event = { event_time: START, event_type: "cart", product_id: 1n, user_id: 2n, price: 3 };
    const events = eventsRelation([{ ...event, user_session: "s" }]);
    for (const set of metricSets) {
      const names = trainingColumns(set).map((column) => column.name);
      const ten = [...set.keys, timeColumn(set), "events", "views", "carts", "purchases"];
      assert.deepEqual(names.slice(0, ten.length), ten);
      assert.deepEqual(names.slice(ten.length + 6), set.further.map((f) => f.name));
      assert.deepEqual(Object.keys((await rows(historySql(set, events)))[0]!), names);
      const [current] = await rows(currentSql(set, events));
      const stored = inferenceColumns(set).map((column) => column.name);
      assert.deepEqual(Object.keys(current!), stored.filter((name) => name in current!));
    }
  });
});

Deno.test("training rows carry the label and only what was known at their time", async () => {
  await withConnection(async (rows) => {
    await fc.assert(
      fc.asyncProperty(eventsArbitrary, async (random) => {
        const events = random.map(toMillis);
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
            const names = featureColumns(set);
            const expected = naiveValues(set, events, rowKey(set, row), moment);
            const actual = pick(row, names, `${set.name}__`);
            if (expected === null) assert.ok(Object.values(actual).every((v) => v === null));
            else assert.deepEqual(actual, pick(expected, names));
            const elapsed = naiveElapsed(set, events, rowKey(set, row), at);
            assert.deepEqual(pick(row, Object.keys(elapsed)), elapsed);
            assert.deepEqual(
              pick(servedElapsed(set, expected, moment, at), Object.keys(elapsed)),
              elapsed,
            );
          }
          assert.equal(row.label, naiveLabel(events, row, at, cutoff));
        }
      }),
      { numRuns: 40 },
    );
  });
});

/** Elapsed features as serving makes them from the values that held at the moment. */
function servedElapsed(set: MetricSet, values: Values | null, newest: number, moment: number) {
  const served = Object.fromEntries(
    elapsedTimes(set).map((name) => [
      joinedName(set, name),
      values === null ? null : name === "event_time" ? newest : values[name],
    ]),
  );
  return elapsedFeatures(served, moment);
}

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
