import { ClickstreamError, type Config, ConfigError } from "clickstream/config";
import {
  type JobDefinition,
  type JobRun,
  listRuns,
  newRun,
  newRunFolder,
  readRun,
  repairRun,
  type RunFolder,
  runFolder,
  selectTasks,
  writeRun,
} from "../run/mod.ts";
import type { RunmeOptions } from "./options.ts";
import { jobParameters } from "./task_parameters.ts";
import { environmentOfRun } from "./versions.ts";

/** A run that is about to start. */
export interface Prepared {
  job: JobDefinition;
  run: JobRun;
  folder: RunFolder;
}

/**
 * Makes a new run with its folder.
 *
 * @throws {ClickstreamError} when an option does not fit the job
 */
export async function prepareNew(
  config: Config,
  job: JobDefinition,
  options: RunmeOptions,
): Promise<Prepared> {
  if (job.tasks.length === 0) throw new ConfigError("The job has no task: there is no notebook.");
  const selected = selectTasks(job, options);
  const parameters = await jobParameters(job, options);
  const folder = newRunFolder(config);
  const run = newRun(job, {
    ...parameters,
    runId: folder.runId,
    selected,
    options: { ...options },
    environment: environmentOfRun(config.profile),
    now: new Date(),
  });
  writeRun(folder, run);
  return { job, run, folder };
}

/**
 * Makes an earlier run ready for its repair, with its own options; those given now win.
 *
 * @throws {ClickstreamError} when there is no such run, or nothing in it is left to run
 */
export async function prepareResumed(
  config: Pick<Config, "home">,
  job: JobDefinition,
  options: RunmeOptions,
): Promise<Prepared> {
  if (options.only || options.from !== undefined) {
    throw new ConfigError("--resume takes its tasks from the run: leave out --only and --from.");
  }
  const runId = resumedId(config, options);
  const run = readRun(config, runId);
  const folder = runFolder(config, runId);
  const parameters = await jobParameters(job, mergeOptions(run.options, options));
  const again = repairRun(run, { ...parameters, now: new Date() });
  if (again.length === 0) {
    throw new ClickstreamError(`Run ${runId} has nothing left to do: see ${folder.report}.`);
  }
  const missing = again.find((key) => !job.tasks.some((task) => task.key === key));
  if (missing) {
    throw new ClickstreamError(`Run ${runId} needs ${missing}, and its notebook is gone.`);
  }
  writeRun(folder, run);
  return { job, run, folder };
}

/** The id that `--resume` means: `latest` is the newest run. */
export function resumedId(config: Pick<Config, "home">, options: RunmeOptions): string {
  const { resume = "" } = options;
  return resume === "latest" ? listRuns(config).at(-1) ?? resume : resume;
}

function mergeOptions(saved: Record<string, unknown>, given: RunmeOptions): RunmeOptions {
  const earlier = saved as Partial<RunmeOptions>;
  const defined = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  );
  const parameters = { ...earlier.parameters, ...given.parameters };
  return { ...earlier, ...defined, parameters } as RunmeOptions;
}
