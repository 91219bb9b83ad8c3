import assert from "node:assert/strict";
import type { RunIf } from "../../lib/job/run/graph.ts";
import { withHome } from "../support.ts";
import { jobOf, ranMe } from "./support.ts";

const RULES: RunIf[] = [
  "ALL_SUCCESS",
  "ALL_DONE",
  "NONE_FAILED",
  "AT_LEAST_ONE_SUCCESS",
  "ALL_FAILED",
  "AT_LEAST_ONE_FAILED",
];

/** How a task with each rule ends, after tasks that end as asked for. */
async function endsAfter(cells: Record<string, string>): Promise<Record<string, string>> {
  return await withHome(async (home) => {
    const before = Object.entries(cells).map(([key, cell]) => ({ key, cells: [cell] }));
    const after = Object.keys(cells);
    const job = await jobOf(home, [
      ...before,
      ...RULES.map((runIf) => ({ key: runIf, after, cells: ["1"], more: { runIf } })),
      { key: "last", after: ["AT_LEAST_ONE_FAILED"], cells: ["1"] },
    ]);
    const { run } = await ranMe(home, job);
    const ends = run.tasks.filter(({ task_key }) => !(task_key in cells))
      .map(({ task_key, state }) => [task_key, state.result_state ?? ""]);
    return { ...Object.fromEntries(ends), job: run.state.result_state ?? "" };
  });
}

Deno.test("after one that succeeds and one that fails, run_if decides as in Databricks Jobs", async () => {
  assert.deepEqual(await endsAfter({ good: "1", bad: 'throw new Error("bad")' }), {
    ALL_SUCCESS: "UPSTREAM_FAILED",
    ALL_DONE: "SUCCESS",
    NONE_FAILED: "UPSTREAM_FAILED",
    AT_LEAST_ONE_SUCCESS: "SUCCESS",
    ALL_FAILED: "EXCLUDED",
    AT_LEAST_ONE_FAILED: "SUCCESS",
    last: "SUCCESS",
    job: "FAILED",
  });
});

Deno.test("when nothing fails, tasks for failures are left out, and the job succeeds", async () => {
  assert.deepEqual(await endsAfter({ good: "1" }), {
    ALL_SUCCESS: "SUCCESS",
    ALL_DONE: "SUCCESS",
    NONE_FAILED: "SUCCESS",
    AT_LEAST_ONE_SUCCESS: "SUCCESS",
    ALL_FAILED: "EXCLUDED",
    AT_LEAST_ONE_FAILED: "EXCLUDED",
    last: "SUCCESS",
    job: "SUCCESS",
  });
});

Deno.test("when all fail, only those run that ask for it", async () => {
  assert.deepEqual(await endsAfter({ bad: 'throw new Error("bad")' }), {
    ALL_SUCCESS: "UPSTREAM_FAILED",
    ALL_DONE: "SUCCESS",
    NONE_FAILED: "UPSTREAM_FAILED",
    AT_LEAST_ONE_SUCCESS: "UPSTREAM_FAILED",
    ALL_FAILED: "SUCCESS",
    AT_LEAST_ONE_FAILED: "SUCCESS",
    last: "SUCCESS",
    job: "FAILED",
  });
});
