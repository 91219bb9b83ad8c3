import type { CellFailure } from "../notebook/mod.ts";
import {
  isGood,
  type JobDefinition,
  type JobRun,
  type NotebookResults,
  type TaskRun,
} from "../run/mod.ts";
import { OPTION_HELP } from "./options.ts";
import { seconds } from "./terminal.ts";

/** How this Deno was started, as it is typed again. */
export function denoCommand(execPath: string = Deno.execPath()): string {
  return /[\\/]_npx[\\/]/.test(execPath) ? "npx -y deno@2.8.0" : "deno";
}

/** The help. */
export function helpText(): string {
  const lines = OPTION_HELP.map(([name, takes, what]) =>
    `  ${`--${name} ${takes}`.padEnd(24)} ${what}`
  );
  return [
    "Runs the whole clickstream job: its notebooks, each in a kernel of its own, in order.",
    "",
    `  ${denoCommand()} task runme -- [options]`,
    "",
    ...lines,
    "",
    "A run leaves job.json, the executed notebooks and report.html in runs/<run_id> of the home",
    "(data/local, or CLICKSTREAM_HOME). The report's path is the last line printed.",
  ].join("\n");
}

/** The tasks with what they wait for. */
export function listText(job: JobDefinition): string {
  if (job.tasks.length === 0) return "The job has no task: there is no notebook in notebooks/.";
  const width = Math.max(...job.tasks.map(({ key }) => key.length));
  const short = (key: string) => key.split("_")[0]!;
  const lines = job.tasks.map(({ key, dependsOn, description, timeoutSeconds }) => {
    const after = dependsOn.length ? `after ${dependsOn.map(short).join(", ")}` : "first";
    const limit = `${Math.round(timeoutSeconds / 60)} min at most`;
    return `  ${key.padEnd(width)}  ${after.padEnd(16)}  ${limit.padEnd(15)}  ${description}`;
  });
  return [`Job ${job.name}: ${job.tasks.length} tasks`, ...lines].join("\n");
}

/** Where and why a task failed. */
export function failureText(task: TaskRun): string {
  const { failure } = task;
  if (!failure) return `${task.task_key}: ${task.state.state_message}`;
  return [
    `${task.task_key} ${task.state.result_state?.toLowerCase()}:`,
    `  notebook  notebooks/${failure.notebook}`,
    ...cellLines(failure),
    `  error     ${failure.error}`,
    ...failure.stack.slice(0, 8).map((line) => `            ${line}`),
  ].join("\n");
}

function cellLines({ cell, line, firstLine }: CellFailure): string[] {
  if (cell === 0) return [];
  return [`  cell      ${cell}${line === undefined ? "" : `, line ${line}`}: ${firstLine}`];
}

/** The checks that the notebooks reported, a line each, the failed ones with a cross. */
export function checksText(results: readonly NotebookResults[]): string {
  const lines = results.flatMap(({ notebook, checks }) =>
    checks.map(({ name, ok, detail }) =>
      `  ${ok ? "✓" : "✗"} ${name}${detail ? ` (${detail})` : ""}  ${ok ? "" : `[${notebook}]`}`
        .trimEnd()
    )
  );
  return lines.length === 0 ? "" : ["Checks", ...lines].join("\n");
}

/** How the run ended, and how to go on. */
export function endText(run: JobRun, runPath: string): string {
  const state = run.state.result_state ?? "FAILED";
  const took = seconds(run.run_duration).trim();
  if (state === "SUCCESS") return `Run ${run.run_id} succeeded in ${took}.`;
  const message = run.state.state_message.replace(/\.$/, "");
  return [
    `Run ${run.run_id} ${state.toLowerCase()} after ${took}: ${message}.`,
    `Executed notebooks, as far as they got: ${runPath}`,
    ...(resumeCommand(run) ? [`Resume with: ${resumeCommand(run)}`] : []),
  ].join("\n");
}

/** What to type to go on with a run that has a task left to do, else an empty text. */
export function resumeCommand(run: JobRun): string {
  const left = run.tasks.some((task) => !isGood(task));
  return left ? `${denoCommand()} task runme -- --resume ${run.run_id}` : "";
}
