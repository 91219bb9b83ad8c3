import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { acquireLock } from "clickstream/config";
import { runMe } from "clickstream/job";
import type { JobRun } from "../../lib/job/run/mod.ts";
import { readNotebook } from "../../lib/job/notebook/mod.ts";
import { withHome } from "../support.ts";
import { jobOf, ranMe, shown, writeImportMap } from "./support.ts";

const results = (run: JobRun) =>
  Object.fromEntries(run.tasks.map(({ task_key, state }) => [task_key, state.result_state]));

/** A cell that hands a check to the report, as the project's notebooks do. */
const reportCell = (ok: boolean) =>
  `import { reportResults } from "clickstream/job";
await reportResults({ home: Deno.env.get("CLICKSTREAM_HOME")! }, "b", {
  checks: [{ name: "sent = bronze", ok: ${ok}, detail: "7 = 7" }],
  figures: { rows: 7n },
  tables: [{ title: "Model card", rows: [{ part: "rows learned from", value: 12345 }] }],
  warnings: ["Few purchases were seen."],
});`;

Deno.test("a job runs its notebooks in order and ends with the path of its report", async () => {
  await withHome(async (home) => {
    const job = await jobOf(home, [
      { key: "a", cells: [`Deno.writeTextFileSync("${home}/a.txt", "done");`] },
      { key: "b", after: ["a"], cells: [`Deno.readTextFileSync("${home}/a.txt")`] },
    ]);
    const { code, text, run, folder } = await ranMe(home, job);
    assert.equal(code, 0);
    assert.match(text.trimEnd(), /report\.html$/);
    assert.deepEqual(results(run), { a: "SUCCESS", b: "SUCCESS" });
    assert.deepEqual(run.tasks[1]?.depends_on, [{ task_key: "a" }]);
    assert.match(shown((await readNotebook(join(folder, "b.ipynb"))).cells[0]), /done/);
    assert.match(Deno.readTextFileSync(join(folder, "report.html")), /<!DOCTYPE html>/);
  });
});

Deno.test("tasks that wait for the same task run together", async () => {
  await withHome(async (home) => {
    const meet = (own: string, other: string) => [
      `Deno.writeTextFileSync("${home}/${own}.met", "");
while (!(await Deno.stat("${home}/${other}.met").catch(() => null))) await new Promise((r) => setTimeout(r, 10));`,
    ];
    const job = await jobOf(home, [
      { key: "start", cells: ["1"] },
      { key: "x", after: ["start"], cells: meet("x", "y") },
      { key: "y", after: ["start"], cells: meet("y", "x") },
      { key: "end", after: ["x", "y"], cells: ["2"] },
    ]);
    const { run } = await ranMe(home, job);
    assert.equal(run.state.result_state, "SUCCESS");
  });
});

Deno.test("options reach the parameters cells that declare them, and the kernel knows home and run", async () => {
  await withHome(async (home) => {
    const job = await jobOf(home, [{
      key: "a",
      cells: [
        {
          source: 'const size: number | "full" = 1;\nconst job = false;\nconst depth = 2;',
          tags: ["parameters"],
        },
        'console.log(size, job, depth, Deno.env.get("CLICKSTREAM_HOME"), Deno.env.get("CLICKSTREAM_RUN_ID"))',
      ],
    }]);
    const { run, folder } = await ranMe(home, job, ["--", "--size", "full", "--param", "depth=5"]);
    const copy = await readNotebook(join(folder, "a.ipynb"));
    assert.ok(shown(copy.cells[2]).includes(`full true 5 ${home} ${run.run_id}`));
    assert.deepEqual(run.tasks[0]?.notebook_task.base_parameters, {
      size: "full",
      job: true,
      depth: 5,
    });
  });
});

Deno.test("a failing cell is shown with notebook, cell, first line, error and the resume command", async () => {
  await withHome(async (home) => {
    const job = await jobOf(home, [
      { key: "a", cells: ["1"] },
      { key: "b", after: ["a"], cells: ["2", '// Load\nthrow new Error("bad file")'] },
      { key: "c", after: ["b"], cells: ["3"] },
    ]);
    const { code, text, run, folder } = await ranMe(home, job);
    assert.equal(code, 1);
    assert.deepEqual(results(run), { a: "SUCCESS", b: "FAILED", c: "UPSTREAM_FAILED" });
    assert.equal(run.state.result_state, "FAILED");
    assert.match(text, /notebook {2}notebooks\/b\.ipynb/);
    assert.match(text, /cell {6}2, line 2: \/\/ Load/);
    assert.match(text, /Error: bad file/);
    assert.match(text, new RegExp(`task runme -- --resume ${run.run_id}`));
    assert.match(Deno.readTextFileSync(join(folder, "report.html")), /bad file/);
    assert.match(shown((await readNotebook(join(folder, "b.ipynb"))).cells[1]), /bad file/);
  });
});

Deno.test("resume repairs from the failed task in the same folder, with the run's own options", async () => {
  await withHome(async (home) => {
    const flag = join(home, "mended");
    const parameters = { source: "const depth = 1;", tags: ["parameters"] };
    const job = await jobOf(home, [
      { key: "a", cells: [`Deno.writeTextFileSync("${home}/a.log", "a", { append: true });`] },
      { key: "b", after: ["a"], cells: [parameters, `Deno.statSync("${flag}"); depth`] },
      { key: "c", after: ["b"], cells: ["3"] },
    ]);
    const first = await ranMe(home, job, ["--param", "depth=42"]);
    assert.equal(first.code, 1);
    Deno.writeTextFileSync(flag, "");
    const second = await ranMe(home, job, ["--resume", "latest"]);
    assert.equal(second.code, 0);
    assert.equal(second.folder, first.folder);
    assert.equal(Deno.readTextFileSync(join(home, "a.log")), "a");
    assert.deepEqual(second.run.tasks.map((task) => task.attempt_number), [1, 2, 1]);
    assert.equal(second.run.repair_history.at(-1)?.type, "REPAIR");
    assert.ok(existsSync(join(first.folder, "b.attempt-1.ipynb")));
    assert.match(shown((await readNotebook(join(first.folder, "b.ipynb"))).cells[2]), /42/);
    await assert.rejects(ranMe(home, job, ["--resume", "latest"]), /nothing left to do/);
  });
});

Deno.test("a failed task is tried again as often as it may be", async () => {
  await withHome(async (home) => {
    const cells = [
      `const tries = (await Deno.readTextFile("${home}/n").catch(() => "")) + "x";
Deno.writeTextFileSync("${home}/n", tries);
if (tries.length < 3) throw new Error("not yet");`,
    ];
    const job = await jobOf(home, [{ key: "a", cells, more: { maxRetries: 2 } }]);
    const { run, folder } = await ranMe(home, job);
    assert.equal(run.state.result_state, "SUCCESS");
    assert.equal(run.tasks[0]?.attempt_number, 3);
    assert.equal(run.tasks[0]?.failure, undefined);
    assert.ok(existsSync(join(folder, "a.attempt-2.ipynb")));
  });
});

Deno.test("a task past its time ends as TIMEDOUT, a job past its time too", async () => {
  await withHome(async (home) => {
    const wait = ["await new Promise(() => {})"];
    const job = await jobOf(home, [{ key: "a", cells: wait, more: { timeoutSeconds: 1 } }]);
    const task = await ranMe(home, job);
    assert.deepEqual(results(task.run), { a: "TIMEDOUT" });
    const whole = await ranMe(home, {
      ...await jobOf(home, [{ key: "a", cells: wait }]),
      timeoutSeconds: 1,
    });
    assert.equal(whole.run.state.result_state, "TIMEDOUT");
    assert.equal(whole.code, 1);
  });
});

Deno.test("a canceled run ends its kernels, keeps partial copies and says how to resume", async () => {
  await withHome(async (home) => {
    const cancel = new AbortController();
    const job = await jobOf(home, [
      {
        key: "a",
        cells: [
          "console.log(`pid ${Deno.pid}`)",
          `Deno.writeTextFileSync("${home}/go", ""); await new Promise(() => {})`,
        ],
      },
      { key: "b", after: ["a"], cells: ["1"] },
    ]);
    const watching = (async () => {
      while (!existsSync(join(home, "go"))) await new Promise((r) => setTimeout(r, 10));
      cancel.abort();
    })();
    const { code, text, run, folder } = await ranMe(home, job, [], cancel.signal);
    await watching;
    assert.equal(code, 130);
    assert.deepEqual(results(run), { a: "CANCELED", b: "CANCELED" });
    assert.match(text, /--resume/);
    const pid = Number(
      /pid (\d+)/.exec(shown((await readNotebook(join(folder, "a.ipynb"))).cells[0]))?.[1],
    );
    assert.throws(() => Deno.kill(pid, "SIGCONT"), "the kernel has ended");
  });
});

Deno.test("when one of a group fails, the others are canceled", async () => {
  await withHome(async (home) => {
    const job = await jobOf(home, [
      { key: "x", cells: ['throw new Error("no events")'], more: { group: "live" } },
      { key: "y", cells: ["await new Promise(() => {})"], more: { group: "live" } },
    ]);
    const { run } = await ranMe(home, { ...job, groupGraceSeconds: 0 });
    assert.deepEqual(results(run), { x: "FAILED", y: "CANCELED" });
    assert.match(run.tasks[1]!.state.state_message, /x did not succeed/);
  });
});

Deno.test("checks that notebooks report are printed, and one that does not hold fails the run", async () => {
  await withHome(async (home) => {
    writeImportMap(home);
    const good = await ranMe(home, await jobOf(home, [{ key: "b", cells: [reportCell(true)] }]));
    assert.equal(good.code, 0);
    assert.match(good.text, /✓ sent = bronze \(7 = 7\)/);
    const bad = await ranMe(home, await jobOf(home, [{ key: "b", cells: [reportCell(false)] }]));
    assert.equal(bad.code, 1);
    assert.match(bad.text, /✗ sent = bronze/);
    assert.match(bad.run.state.state_message, /1 claim does not hold/);
    const report = Deno.readTextFileSync(join(bad.folder, "report.html"));
    assert.match(report, /The latest runs of this home/);
    assert.match(
      report,
      /<h2 id="table-model-card">Model card<\/h2>[\s\S]*rows learned from[\s\S]*12,345/,
    );
    assert.match(report, /Few purchases were seen\./);
  });
});

Deno.test("only the chosen tasks run, and from takes those that follow", async () => {
  await withHome(async (home) => {
    const job = await jobOf(home, [
      { key: "1a_one", cells: ["1"] },
      { key: "2a_two", after: ["1a_one"], cells: ["2"] },
      { key: "3a_three", after: ["2a_two"], cells: ["3"] },
    ]);
    const only = await ranMe(home, job, ["--only", "2a"]);
    assert.deepEqual(results(only.run), {
      "1a_one": "EXCLUDED",
      "2a_two": "SUCCESS",
      "3a_three": "EXCLUDED",
    });
    const from = await ranMe(home, job, ["--from", "2a_two"]);
    assert.deepEqual(results(from.run), {
      "1a_one": "EXCLUDED",
      "2a_two": "SUCCESS",
      "3a_three": "SUCCESS",
    });
    await assert.rejects(ranMe(home, job, ["--only", "9z"]), /no task "9z"; the tasks are 1a_one/);
    await assert.rejects(
      ranMe(home, job, ["--param", "depht=1"]),
      /No notebook has a parameter "depht"/,
    );
    await assert.rejects(ranMe(home, job, ["--resume", "123"]), /no run "123".*the latest are/);
  });
});

Deno.test("a second run at the same time is refused and leaves nothing", async () => {
  await withHome(async (home) => {
    const job = await jobOf(home, [{ key: "a", cells: ["1"] }]);
    const lock = acquireLock(join(home, "job.lock"), { what: "the job of this home" });
    const settings = { CLICKSTREAM_HOME: home };
    await assert.rejects(
      runMe([], { job, settings, write: () => {} }),
      /BusyError|is held by process/,
    );
    assert.ok(!existsSync(join(home, "runs")));
    lock.release();
  });
});
