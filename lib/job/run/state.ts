import type { CellFailure, CellTiming, Parameters } from "../notebook/mod.ts";
import type { RunIf } from "./graph.ts";

/** Where a run is (words of Databricks Jobs). */
export type LifeCycleState =
  | "PENDING"
  | "BLOCKED"
  | "RUNNING"
  | "TERMINATING"
  | "TERMINATED"
  | "INTERNAL_ERROR";

/** How a run ended (words of Databricks Jobs). */
export type ResultState =
  | "SUCCESS"
  | "FAILED"
  | "TIMEDOUT"
  | "CANCELED"
  | "UPSTREAM_FAILED"
  | "UPSTREAM_CANCELED"
  | "EXCLUDED";

/** State of a job run or of a task run. */
export interface RunState {
  life_cycle_state: LifeCycleState;
  result_state?: ResultState;
  state_message: string;
}

/** One task in job.json: its settings and its latest run, in the shape of Databricks Jobs 2.1. */
export interface TaskRun {
  task_key: string;
  description: string;
  depends_on: { task_key: string }[];
  run_if: RunIf;
  notebook_task: { notebook_path: string; source: "WORKSPACE"; base_parameters: Parameters };
  timeout_seconds: number;
  max_retries: number;
  min_retry_interval_millis: number;
  retry_on_timeout: boolean;
  /** Attempts made in all, over retries and repairs. */
  attempt_number: number;
  /** Milliseconds since 1970; 0 before the start. */
  start_time: number;
  /** Milliseconds since 1970; 0 before the end. */
  end_time: number;
  /** Milliseconds. */
  execution_duration: number;
  state: RunState;
  /** Where a failed task failed. */
  failure?: CellFailure;
  /** Time of each cell of the latest attempt. */
  cells: CellTiming[];
}

/** What job.json holds: the job and its run, in the shape of Databricks Jobs 2.1. */
export interface JobRun {
  /** Name of the job. */
  name: string;
  run_id: string;
  run_name: string;
  format: "MULTI_TASK";
  tags: Record<string, string>;
  timeout_seconds: number;
  max_concurrent_runs: 1;
  parameters: { name: string; default: string }[];
  start_time: number;
  end_time: number;
  /** Milliseconds of work, over the first run and its repairs. */
  run_duration: number;
  state: RunState;
  tasks: TaskRun[];
  repair_history: { type: "ORIGINAL" | "REPAIR"; start_time: number; end_time: number }[];
  /** The options of the command line, kept for a repair. */
  options: Record<string, unknown>;
  /** What the run was made with. */
  environment: Record<string, string>;
}

/** Whether a task has come to its end, well or not. */
export function isOver(task: Pick<TaskRun, "state">): boolean {
  return task.state.life_cycle_state === "TERMINATED" ||
    task.state.life_cycle_state === "INTERNAL_ERROR";
}

/** Whether what waits for this task may go on: it succeeded, or this run leaves it out. */
export function isGood(task: Pick<TaskRun, "state">): boolean {
  return task.state.result_state === "SUCCESS" || task.state.result_state === "EXCLUDED";
}

/** Whether a task failed, or could not start because one before it did. */
function hasFailed({ state }: Pick<TaskRun, "state">): boolean {
  return ["FAILED", "TIMEDOUT", "UPSTREAM_FAILED"].includes(state.result_state ?? "");
}

/** Whether a task with this rule may start; undefined while that is not decided yet. */
export function mayStart(rule: RunIf, upstream: readonly TaskRun[]): boolean | undefined {
  if (!upstream.every(isOver)) return undefined;
  const good = upstream.filter(isGood).length;
  const failed = upstream.filter(hasFailed).length;
  const all = upstream.length;
  switch (rule) {
    case "ALL_SUCCESS":
      return good === all;
    case "ALL_DONE":
      return true;
    case "NONE_FAILED":
      return failed === 0 && (good > 0 || all === 0);
    case "AT_LEAST_ONE_SUCCESS":
      return good > 0 || all === 0;
    case "ALL_FAILED":
      return failed === all && all > 0;
    case "AT_LEAST_ONE_FAILED":
      return failed > 0;
  }
}
