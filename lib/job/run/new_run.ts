import type { Parameters } from "../notebook/mod.ts";
import type { JobDefinition } from "./graph.ts";
import type { JobRun, TaskRun } from "./state.ts";

/** What a new run is made of. */
export interface NewRunOptions {
  runId: string;
  /** Keys of the tasks to run; the others are EXCLUDED. */
  selected: string[];
  /** Values of the job's parameters. */
  parameters: Parameters;
  /** Those of them that each task's notebook declares, by task. */
  taskParameters: Record<string, Parameters>;
  /** The options of the command line, kept for a repair. @default {} */
  options?: Record<string, unknown> | undefined;
  /** What the run is made with: versions, profile. */
  environment: Record<string, string>;
  now: Date;
}

/** The run of a job before its start, as job.json holds it. */
export function newRun(job: JobDefinition, options: NewRunOptions): JobRun {
  const { runId, parameters, environment, now } = options;
  const start = now.getTime();
  return {
    name: job.name,
    run_id: runId,
    run_name: `${job.name} ${now.toISOString().slice(0, 19)}Z`,
    format: "MULTI_TASK",
    tags: job.tags,
    timeout_seconds: job.timeoutSeconds,
    max_concurrent_runs: 1,
    parameters: jobParameters(parameters),
    start_time: start,
    end_time: 0,
    run_duration: 0,
    state: { life_cycle_state: "PENDING", state_message: "" },
    tasks: newTasks(job, options),
    repair_history: [{ type: "ORIGINAL", start_time: start, end_time: 0 }],
    options: options.options ?? {},
    environment,
  };
}

/** Parameters as Databricks keeps those of a job: names with texts. */
export function jobParameters(parameters: Parameters): JobRun["parameters"] {
  return Object.entries(parameters).map(([name, value]) => ({ name, default: String(value) }));
}

function newTasks(job: JobDefinition, options: NewRunOptions): TaskRun[] {
  const { selected, taskParameters } = options;
  return job.tasks.map((task) => ({
    task_key: task.key,
    description: task.description,
    depends_on: task.dependsOn.map((task_key) => ({ task_key })),
    run_if: task.runIf ?? "ALL_SUCCESS",
    notebook_task: {
      notebook_path: `notebooks/${task.key}`,
      source: "WORKSPACE",
      base_parameters: taskParameters[task.key] ?? {},
    },
    timeout_seconds: task.timeoutSeconds,
    max_retries: task.maxRetries,
    min_retry_interval_millis: 0,
    retry_on_timeout: false,
    attempt_number: 0,
    start_time: 0,
    end_time: 0,
    execution_duration: 0,
    state: selected.includes(task.key) ? { life_cycle_state: "PENDING", state_message: "" } : {
      life_cycle_state: "TERMINATED",
      result_state: "EXCLUDED",
      state_message: "Left out of this run.",
    },
    cells: [],
  }));
}

/**
 * Prepares a run for its repair, in place: tasks that succeeded stay, all others are to be run
 * again with these parameters.
 *
 * @returns the keys of the tasks to run again
 */
export function repairRun(
  run: JobRun,
  options: Pick<NewRunOptions, "parameters" | "taskParameters" | "now">,
): string[] {
  const { parameters, taskParameters, now } = options;
  const again = run.tasks.filter(({ state }) =>
    state.result_state !== "SUCCESS" && state.result_state !== "EXCLUDED"
  );
  for (const task of again) {
    task.state = { life_cycle_state: "PENDING", state_message: "" };
    task.notebook_task.base_parameters = taskParameters[task.task_key] ?? {};
    delete task.failure;
  }
  run.parameters = jobParameters(parameters);
  run.repair_history.push({ type: "REPAIR", start_time: now.getTime(), end_time: 0 });
  return again.map(({ task_key }) => task_key);
}
