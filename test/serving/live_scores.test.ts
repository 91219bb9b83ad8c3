import assert from "node:assert/strict";
import { appendTo, closeLakehouse, createTable, openLakehouse } from "clickstream/lakehouse";
import { INFERENCE_TABLE, inferenceColumns } from "../../lib/serving/inferenceTable.ts";
import { liveScores } from "../../lib/serving/liveScores.ts";
import { withHome } from "../support.ts";

const HOUR = 3_600_000_000;
const START = 1_612_180_800_000_000;

/** Users 1 to 100 look at product 7 at START; every fourth buys it a minute later; 101 just came. */
const EVENTS = `(
  select make_timestamp(${START}) as event_time, 'view' as event_type, 7::bigint as product_id,
    u::bigint as user_id, 's' as user_session from range(1, 101) as t(u)
  union all
  select make_timestamp(${START + 60_000_000}), 'purchase', 7, u, 's' from range(4, 101, 4) as t(u)
  union all
  select make_timestamp(${START + HOUR}), 'view', 7, 101, 's'
)`;

function logged(users: number[], seconds: number, score: (user: number) => number | null) {
  const of = <T>(value: (user: number, i: number) => T) => users.map(value);
  return {
    request_id: of((_, i) => `r${i}`),
    request_row: of(() => 0),
    request_time: of(() => START + seconds * 1_000_000),
    received_ts: of((_, i) => START + i),
    user_id: of(BigInt),
    user_session: of(() => "s"),
    product_id: of(() => 7n),
    model_name: of(() => "m'1"),
    model_version: of(() => 1n),
    score: of(score),
  };
}

Deno.test("outcomes are joined to what was served: repeats once, open carts and unknown ones left out", async () => {
  await withHome(async (home) => {
    const lake = await openLakehouse(home, { threads: 1 });
    try {
      const options = { model: "m'1", events: EVENTS, fewest: 5 };
      const none = await liveScores(lake, options);
      assert.deepEqual([none.scored, none.averagePrecision], [0, null]);
      await createTable(lake, INFERENCE_TABLE, { columns: [...inferenceColumns] });
      const users = Array.from({ length: 101 }, (_, i) => i + 1);
      const knows = (user: number) => user % 4 === 0 ? 0.75 : 0.05;
      // The last two: a cart that silver does not know, and the same moment asked again.
      await appendTo(lake, INFERENCE_TABLE, { columns: logged([...users, 999, 4], 1, knows) });
      // Bought before they were asked for, and not scored.
      await appendTo(lake, INFERENCE_TABLE, { columns: logged([4, 8], 90, knows) });
      await appendTo(lake, INFERENCE_TABLE, { columns: logged([1], 2, () => null) });
      const found = await liveScores(lake, options);
      assert.deepEqual(
        [found.scored, found.open, found.outcomes, found.purchases],
        [101, 1, 100, 25],
      );
      assert.deepEqual(found.averagePrecision, { value: 1, low: 1, high: 1 });
      assert.ok(Math.abs(found.brier!.value - (0.25 * 0.25 ** 2 + 0.75 * 0.05 ** 2)) < 1e-9);
      assert.deepEqual(found.calibration!.map(({ rows }) => rows), [20, 20, 20, 20, 20]);
      assert.deepEqual(found.calibration!.map(({ observed }) => observed), [0, 0, 0, 0.25, 1]);
      const few = await liveScores(lake, { ...options, fewest: 26 });
      assert.deepEqual([few.outcomes, few.brier, few.calibration], [100, null, null]);
      assert.equal((await liveScores(lake, { ...options, model: "other" })).scored, 0);
    } finally {
      await closeLakehouse(lake);
    }
  });
});
