import { basename, join } from "node:path";
import { existsSync, rmSync } from "node:fs";
import { ClickstreamError } from "clickstream/config";
import { type NotebookProgress, type NotebookRun, runNotebook } from "../notebook/mod.ts";
import { type RunFolder, writeRun } from "./folder.ts";
import type { JobDefinition, TaskDefinition } from "./graph.ts";
import { isOver, type JobRun, mayStart, type ResultState, type TaskRun } from "./state.ts";

/** How a job is run. */
export interface RunJobOptions {
  job: JobDefinition;
  /** The run, as job.json holds it; changed in place. Tasks that are over are left as they are. */
  run: JobRun;
  folder: RunFolder;
  /** Variables added to the environment of the kernels. */
  environment: Record<string, string>;
  /** Cancels the run; states become CANCELED and partial copies are kept. */
  signal: AbortSignal;
  /** Told when a task changes its state. */
  onTask?: ((task: TaskRun) => void) | undefined;
  /** Told where a running task is. */
  onProgress?: ((task: TaskRun, progress: NotebookProgress) => void) | undefined;
  /** Hides secrets in all that is kept. */
  mask: (text: string) => string;
}

interface Under extends RunJobOptions {
  /** Cancels a task by its key. */
  cancels: Map<string, AbortController>;
  /** Why a task was canceled, where not by the user. */
  reasons: Map<string, string>;
  timers: Set<ReturnType<typeof setTimeout>>;
}

/**
 * Runs the tasks of a job, each as soon as those it depends on allow it, and keeps job.json up to
 * date. A failing task is reported in the run's state, not thrown.
 */
export async function runJob(options: RunJobOptions): Promise<JobRun> {
  const { run, job, signal, folder } = options;
  const started = Date.now();
  const under: Under = {
    ...options,
    cancels: new Map(),
    reasons: new Map(),
    timers: new Set(),
  };
  const cancelAll = (why?: string) => {
    for (const [key, cancel] of under.cancels) {
      if (why) under.reasons.set(key, why);
      cancel.abort();
    }
  };
  let timedOut = false;
  const limit = setTimeout(() => {
    timedOut = true;
    cancelAll(`the job did not end within ${job.timeoutSeconds} s`);
  }, job.timeoutSeconds * 1000);
  const onAbort = () => cancelAll();
  signal.addEventListener("abort", onAbort, { once: true });
  run.state = { life_cycle_state: "RUNNING", state_message: "" };
  try {
    await runReady(under, () => timedOut);
  } finally {
    clearTimeout(limit);
    for (const timer of under.timers) clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
  run.end_time = Date.now();
  run.run_duration += run.end_time - started;
  run.state = stateOfJob(run.tasks, timedOut);
  writeRun(folder, run);
  return run;
}

/** Starts what may start, until every task is over. */
async function runReady(under: Under, timedOut: () => boolean): Promise<void> {
  const { run, signal, folder, onTask } = under;
  const active = new Map<string, Promise<void>>();
  while (true) {
    for (const task of run.tasks) {
      if (isOver(task) || active.has(task.task_key)) continue;
      const upstream = run.tasks.filter(({ task_key }) =>
        task.depends_on.some((dependency) => dependency.task_key === task_key)
      );
      const start = mayStart(task.run_if, upstream);
      if (signal.aborted || timedOut()) {
        end(task, "CANCELED", "The run was canceled before this task started.");
        onTask?.(task);
      } else if (start === false) {
        end(task, ...resultWithoutStart(task, upstream));
        onTask?.(task);
      } else if (start) {
        const done = runTask(under, task).finally(() => active.delete(task.task_key));
        active.set(task.task_key, done);
      }
    }
    writeRun(folder, run);
    if (run.tasks.every(isOver)) return;
    if (active.size > 0) await Promise.race(active.values());
  }
}

async function runTask(under: Under, task: TaskRun): Promise<void> {
  const definition = under.job.tasks.find(({ key }) => key === task.task_key)!;
  const cancel = new AbortController();
  under.cancels.set(task.task_key, cancel);
  task.start_time = Date.now();
  for (let retry = 0; retry <= task.max_retries; retry++) {
    const done = await runAttempt(under, task, definition, cancel.signal);
    task.end_time = Date.now();
    task.execution_duration = task.end_time - task.start_time;
    task.cells = done.timings;
    if (done.failure) task.failure = done.failure;
    const reason = under.reasons.get(task.task_key);
    const message = done.status === "CANCELED" && reason
      ? `Canceled: ${reason}.`
      : done.failure?.error ?? "";
    if (done.status === "FAILED" && retry < task.max_retries) continue;
    end(task, done.status, message);
    break;
  }
  under.cancels.delete(task.task_key);
  if (task.state.result_state !== "SUCCESS") cancelGroup(under, definition);
  under.onTask?.(task);
}

async function runAttempt(
  under: Under,
  task: TaskRun,
  definition: TaskDefinition,
  signal: AbortSignal,
): Promise<NotebookRun> {
  const { folder, environment, mask, onTask, onProgress } = under;
  const output = join(folder.path, `${task.task_key}.ipynb`);
  if (task.attempt_number > 0 && existsSync(output)) {
    Deno.renameSync(
      output,
      join(folder.path, `${task.task_key}.attempt-${task.attempt_number}.ipynb`),
    );
  }
  rmSync(join(folder.results, `${task.task_key}.json`), { force: true });
  task.attempt_number += 1;
  delete task.failure;
  task.state = { life_cycle_state: "RUNNING", state_message: "" };
  writeRun(folder, under.run);
  onTask?.(task);
  try {
    return await runNotebook({
      path: definition.notebook,
      output,
      parameters: task.notebook_task.base_parameters,
      environment: { ...environment, CLICKSTREAM_TASK: task.task_key },
      timeoutMs: definition.timeoutSeconds * 1000,
      signal,
      onProgress: (progress) => onProgress?.(task, progress),
      mask,
      logFile: join(folder.logs, `${task.task_key}.log`),
    });
  } catch (error) {
    return failedToStart(definition, error, signal.aborted);
  }
}

/** The end of a notebook that no cell of was run. */
function failedToStart(
  definition: TaskDefinition,
  error: unknown,
  canceled: boolean,
): NotebookRun {
  const status = canceled ? "CANCELED" : "FAILED";
  const text = error instanceof ClickstreamError ? `${error.name}: ${error.message}` : `${error}`;
  const stack = error instanceof ClickstreamError
    ? []
    : String((error as Error)?.stack).split("\n");
  const failure = {
    status,
    notebook: basename(definition.notebook),
    cell: 0,
    firstLine: "",
    error: text,
    stack,
  } as const;
  return { status, timings: [], failure };
}

/** The others of a failed task's group wait for what will not come: after a grace they are canceled. */
function cancelGroup(under: Under, failed: TaskDefinition): void {
  if (failed.group === undefined) return;
  const others = under.job.tasks.filter(({ key, group }) =>
    group === failed.group && key !== failed.key
  );
  const timer = setTimeout(() => {
    for (const { key } of others) {
      if (!under.cancels.has(key)) continue;
      under.reasons.set(key, `${failed.key} did not succeed`);
      under.cancels.get(key)?.abort();
    }
  }, (under.job.groupGraceSeconds ?? 60) * 1000);
  under.timers.add(timer);
}

function end(task: TaskRun, result: ResultState, message: string): void {
  task.state = {
    life_cycle_state: "TERMINATED",
    result_state: result,
    state_message: message,
  };
}

/** How a task ends that its rule does not let start. */
function resultWithoutStart(task: TaskRun, upstream: TaskRun[]): [ResultState, string] {
  if (task.run_if === "ALL_FAILED" || task.run_if === "AT_LEAST_ONE_FAILED") {
    return ["EXCLUDED", `Not run: it is for failures (${task.run_if}).`];
  }
  const canceled = upstream.every(({ state }) =>
    ["SUCCESS", "EXCLUDED", "CANCELED", "UPSTREAM_CANCELED"].includes(state.result_state ?? "")
  );
  const names = upstream.filter(({ state }) => state.result_state !== "SUCCESS")
    .map(({ task_key }) => task_key).join(", ");
  return canceled
    ? ["UPSTREAM_CANCELED", `Not run: ${names} was canceled.`]
    : ["UPSTREAM_FAILED", `Not run: ${names} did not succeed.`];
}

function stateOfJob(tasks: TaskRun[], timedOut: boolean): JobRun["state"] {
  const having = (...results: ResultState[]) =>
    tasks.filter(({ state }) => results.includes(state.result_state!));
  const failed = having("FAILED", "TIMEDOUT");
  const canceled = having("CANCELED", "UPSTREAM_CANCELED");
  const over = { life_cycle_state: "TERMINATED" } as const;
  if (timedOut) {
    return { ...over, result_state: "TIMEDOUT", state_message: "The job did not end in its time." };
  }
  if (failed.length > 0) {
    const names = failed.map(({ task_key }) => task_key).join(", ");
    return { ...over, result_state: "FAILED", state_message: `Failed: ${names}.` };
  }
  if (canceled.length > 0) {
    return { ...over, result_state: "CANCELED", state_message: "The run was canceled." };
  }
  return { ...over, result_state: "SUCCESS", state_message: "" };
}
