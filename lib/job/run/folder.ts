import { existsSync } from "node:fs";
import { join } from "node:path";
import { ClickstreamError, type Config, homePaths, NotFoundError } from "clickstream/config";
import type { JobRun } from "./state.ts";

/** A run's folder cannot be made or read. */
export class RunError extends ClickstreamError {}

/** The folder of one run, and the files in it. */
export interface RunFolder {
  runId: string;
  path: string;
  /** job.json: the job and how its run went. */
  job: string;
  /** report.html. */
  report: string;
  /** What the notebooks reported. */
  results: string;
  /** What the kernel processes printed. */
  logs: string;
}

/** The folder of the run of this id, whether it exists or not. */
export function runFolder(config: Pick<Config, "home">, runId: string): RunFolder {
  const path = join(homePaths(config).runs, runId);
  return {
    runId,
    path,
    job: join(path, "job.json"),
    report: join(path, "report.html"),
    results: join(path, "results"),
    logs: join(path, "logs"),
  };
}

/**
 * Makes the folder of a new run. Its id is the moment of its start, so that names sort by time.
 *
 * @throws {RunError} when the home cannot be written
 */
export function newRunFolder(config: Pick<Config, "home">, now: Date = new Date()): RunFolder {
  try {
    Deno.mkdirSync(homePaths(config).runs, { recursive: true });
    for (let second = 0;; second++) {
      const moment = new Date(now.getTime() + second * 1000);
      const folder = runFolder(config, moment.toISOString().replace(/\D/g, "").slice(0, 14));
      if (existsSync(folder.path)) continue;
      for (const path of [folder.path, folder.results, folder.logs]) Deno.mkdirSync(path);
      return folder;
    }
  } catch (cause) {
    throw new RunError(
      `The home ${config.home} cannot be written (${
        (cause as Error).message
      }); free space, or set CLICKSTREAM_HOME.`,
      { cause },
    );
  }
}

/** Ids of the runs in this home, oldest first. */
export function listRuns(config: Pick<Config, "home">): string[] {
  const runs = homePaths(config).runs;
  if (!existsSync(runs)) return [];
  const names = [...Deno.readDirSync(runs)].filter((entry) => entry.isDirectory)
    .map((entry) => entry.name);
  return names.filter((name) => existsSync(join(runs, name, "job.json"))).sort();
}

/**
 * Reads job.json of a run.
 *
 * @throws {NotFoundError} when there is no such run, naming those there are
 * @throws {RunError} when its job.json cannot be read
 */
export function readRun(config: Pick<Config, "home">, runId: string): JobRun {
  const { job } = runFolder(config, runId);
  if (!existsSync(job)) {
    const known = listRuns(config).slice(-5);
    const hint = known.length ? `the latest are ${known.join(", ")}` : "this home has no run yet";
    throw new NotFoundError(`There is no run "${runId}" in ${config.home}; ${hint}.`);
  }
  try {
    return JSON.parse(Deno.readTextFileSync(job)) as JobRun;
  } catch (cause) {
    throw new RunError(`${job} cannot be read; start a new run instead of resuming this one.`, {
      cause,
    });
  }
}

/** Writes job.json: whole, or not at all. */
export function writeRun(folder: RunFolder, run: JobRun): void {
  const draft = `${folder.job}.part`;
  Deno.writeTextFileSync(draft, JSON.stringify(run, null, 2) + "\n");
  Deno.renameSync(draft, folder.job);
}
