import { ConfigError } from "clickstream/config";

/** When a task may start, given how its upstream tasks ended (words of Databricks Jobs). */
export type RunIf =
  | "ALL_SUCCESS"
  | "ALL_DONE"
  | "NONE_FAILED"
  | "AT_LEAST_ONE_SUCCESS"
  | "ALL_FAILED"
  | "AT_LEAST_ONE_FAILED";

/** One task of a job: a notebook, what it waits for, and its limits. */
export interface TaskDefinition {
  /** Name of the task. */
  key: string;
  /** The notebook file, absolute. */
  notebook: string;
  /** What the task does, in a few words. */
  description: string;
  dependsOn: string[];
  /** @default "ALL_SUCCESS" */
  runIf?: RunIf | undefined;
  timeoutSeconds: number;
  /** How often a failed task is tried again. */
  maxRetries: number;
  /** Tasks of one group feed each other: when one fails, the others cannot end and are canceled. */
  group?: string | undefined;
}

/** A job: its tasks and the limits of the whole. */
export interface JobDefinition {
  name: string;
  tags: Record<string, string>;
  timeoutSeconds: number;
  /** Seconds the others of a group are given to end once one of it failed. @default 60 */
  groupGraceSeconds?: number | undefined;
  tasks: TaskDefinition[];
}

/**
 * A copy of the job without the tasks that `keep` turns down; who waited for such a task waits for
 * its upstream tasks instead.
 */
export function withoutTasks(
  job: JobDefinition,
  keep: (task: TaskDefinition) => boolean,
): JobDefinition {
  const byKey = new Map(job.tasks.map((task) => [task.key, task]));
  const resolve = (key: string): string[] => {
    const task = byKey.get(key);
    if (task === undefined) return [];
    return keep(task) ? [key] : task.dependsOn.flatMap(resolve);
  };
  const tasks = job.tasks.filter(keep).map((task) => ({
    ...task,
    dependsOn: [...new Set(task.dependsOn.flatMap(resolve))],
  }));
  return { ...job, tasks };
}

/** The key of the task that `name` means: its key, or the part before the first underscore. */
export function taskNamed(job: JobDefinition, name: string): string {
  const found = job.tasks.find(({ key }) => key === name || key.split("_")[0] === name);
  if (found === undefined) {
    const known = job.tasks.map(({ key }) => key).join(", ");
    throw new ConfigError(`There is no task "${name}"; the tasks are ${known}.`);
  }
  return found.key;
}

/** Which tasks a run takes on. */
export interface Selection {
  /** Only these tasks. */
  only?: string[] | undefined;
  /** This task and all that wait for it. */
  from?: string | undefined;
}

/**
 * The keys of the tasks to run, in the job's order.
 *
 * @throws {ConfigError} when a task is not in the job
 */
export function selectTasks(job: JobDefinition, selection: Selection): string[] {
  const keys = job.tasks.map((task) => task.key);
  if (selection.only) {
    const only = new Set(selection.only.map((name) => taskNamed(job, name)));
    return keys.filter((key) => only.has(key));
  }
  if (selection.from === undefined) return keys;
  const first = job.tasks.find((task) => task.key === taskNamed(job, selection.from!))!;
  const starts = job.tasks.filter((task) =>
    task === first || (first.group !== undefined && task.group === first.group)
  );
  const reached = new Set(starts.map((task) => task.key));
  for (let grown = -1; grown !== reached.size;) {
    grown = reached.size;
    for (const { key, dependsOn } of job.tasks) {
      if (dependsOn.some((upstream) => reached.has(upstream))) reached.add(key);
    }
  }
  return keys.filter((key) => reached.has(key));
}
