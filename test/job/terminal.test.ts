import assert from "node:assert/strict";
import { seconds, terminal } from "../../lib/job/command/terminal.ts";
import { denoWarning } from "../../lib/job/command/versions.ts";
import { compareVersions } from "../../lib/job/kernel/mod.ts";
import type { TaskRun } from "../../lib/job/run/mod.ts";

function taskRun(state: TaskRun["state"]): TaskRun {
  return {
    task_key: "1a_one",
    state,
    cells: [],
    execution_duration: 3_000,
    start_time: 1,
    attempt_number: 1,
  } as unknown as TaskRun;
}

const RUNNING = taskRun({ life_cycle_state: "RUNNING", state_message: "" });
const DONE = taskRun({
  life_cycle_state: "TERMINATED",
  result_state: "SUCCESS",
  state_message: "",
});

function view(isTerminal: boolean) {
  let now = 0;
  const texts: string[] = [];
  const shown = terminal({
    write: (text) => texts.push(text),
    isTerminal,
    columns: () => 60,
    now: () => now,
    width: 8,
  });
  const take = () => texts.splice(0).join("");
  return { shown, take, at: (ms: number) => now = ms };
}

Deno.test("on a terminal the running task is redrawn in place, with its cell, time and note", () => {
  const { shown, take, at } = view(true);
  shown.taskChanged(RUNNING);
  shown.progressed(RUNNING, { cell: 9, step: 3, steps: 8, note: "60 %" });
  at(12_300);
  shown.tick();
  assert.equal(take(), "  … 1a_one    cell 3/8    12.3 s  60 %\n");
  shown.tick();
  assert.ok(take().startsWith("\x1b[1F\x1b[0J"));
  shown.taskChanged(DONE);
  assert.equal(take(), "\x1b[1F\x1b[0J  ✓ 1a_one    0 cells      3.0 s\n");
});

Deno.test("a long note is cut to the width of the terminal", () => {
  const { shown, take } = view(true);
  shown.taskChanged(RUNNING);
  shown.progressed(RUNNING, { cell: 1, step: 1, steps: 1, note: "x".repeat(200) });
  shown.tick();
  assert.ok(take().trimEnd().length < 60);
});

Deno.test("elsewhere there is a line at the start, one every 30 s, and one at the end", () => {
  const { shown, take, at } = view(false);
  shown.taskChanged(RUNNING);
  assert.equal(take(), "  … 1a_one\n");
  for (let second = 0; second < 65; second++) {
    at(second * 1000);
    shown.tick();
  }
  assert.equal(take().split("\n").length - 1, 2);
  shown.taskChanged(DONE);
  assert.ok(!take().includes("\x1b"));
});

Deno.test("times read as seconds, or minutes from two on", () => {
  assert.equal(seconds(1_240).trim(), "1.2 s");
  assert.equal(seconds(119_000).trim(), "119.0 s");
  assert.equal(seconds(185_000), "3 m 05 s");
});

Deno.test("another Deno than the tested one gets a warning, a newer one about lost outputs", () => {
  assert.equal(denoWarning("2.8.0"), undefined);
  assert.match(denoWarning("2.9.6")!, /lose outputs.*npx -y deno@2\.8\.0/s);
  assert.match(denoWarning("2.7.1")!, /older/);
  assert.ok(compareVersions("2.10.0", "2.9.6") > 0);
});
