import assert from "node:assert/strict";
import { assertTies, runHour, runStepsAlone, STEPS } from "clickstream/marketing";
import { allTables, deliverHour, type TestHit, type TestSale, withPipeline } from "./support.ts";

const [BEFORE, HOUR] = ["20101201_08", "20101201_09"] as const;
const HITS: TestHit[] = [
  { ts: "2010-12-01 09:05:00", userid: "1" },
  { ts: "2010-12-01 09:45:00", userid: "2" },
];
const SALES: TestSale[] = [
  ["2", "2010-12-01 09:10:00", 2, 3, "1"],
  ["3", "2010-12-01 09:10:00", 1, 1, "9"],
];

Deno.test("Steps run one by one, each alone, give the tables of the whole hour, and give them again", async () => {
  const tablesOf = (steps: boolean) =>
    withPipeline(async (pipeline) => {
      const sale: TestSale = ["1", "2010-12-01 08:57:00", 1, 2, "1"];
      deliverHour(pipeline, BEFORE, [{ ts: "2010-12-01 08:55:00", userid: "1" }], [sale]);
      await runHour(pipeline, BEFORE);
      deliverHour(pipeline, HOUR, HITS, SALES);
      if (!steps) await runHour(pipeline, HOUR);
      else for (const step of STEPS) await runStepsAlone(pipeline, [HOUR], [step]);
      const tables = await allTables(pipeline);
      await assertTies(pipeline);
      for (const step of STEPS.toReversed()) {
        await runStepsAlone(pipeline, [HOUR], [step]);
        assert.deepEqual(await allTables(pipeline), tables, step.name);
      }
      return tables;
    });
  assert.deepEqual(await tablesOf(true), await tablesOf(false));
});

Deno.test("An hour whose first step was run alone loses and doubles nothing when it is run whole", async () => {
  await withPipeline(async (pipeline) => {
    deliverHour(pipeline, HOUR, HITS, SALES);
    const [addPartition] = STEPS;
    await runStepsAlone(pipeline, [HOUR], [addPartition!]);
    const status = await runHour(pipeline, HOUR);
    assert.deepEqual([status.state, status.hits, status.sales], ["succeeded", 2, 2]);
    const { hits, sales, sessions } = await assertTies(pipeline);
    assert.deepEqual([hits, sales, sessions], [2, 2, 2]);
  });
});
