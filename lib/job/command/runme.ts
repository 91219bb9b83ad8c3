import { join } from "node:path";
import {
  acquireLock,
  ClickstreamError,
  type Config,
  loadConfig,
  type SettingName,
} from "clickstream/config";
import { pastRuns, reportHtml } from "../report/mod.ts";
import {
  clickstreamJob,
  type JobDefinition,
  type NotebookResults,
  readResults,
  readRun,
  runJob,
  secretMask,
  writeRun,
} from "../run/mod.ts";
import { readOptions, type RunmeOptions } from "./options.ts";
import { type Prepared, prepareNew, prepareResumed, resumedId } from "./prepare.ts";
import { withSignals } from "./signals.ts";
import { terminal } from "./terminal.ts";
import { checksText, endText, failureText, helpText, listText, resumeCommand } from "./texts.ts";
import { denoWarning } from "./versions.ts";

/** What {@link runMe} may be given instead of the real thing. */
export interface RunMeOptions {
  /** The job. @default the clickstream job, with the notebooks there are */
  job?: JobDefinition | undefined;
  /** Settings that win over the environment, by name. @default {} */
  settings?: Partial<Record<SettingName, string | number>> | undefined;
  /** Takes what is printed. @default standard output */
  write?: ((text: string) => void) | undefined;
  /** Cancels the run, as Ctrl-C does. */
  signal?: AbortSignal | undefined;
}

type Write = (text: string) => void;

/** Exit code of a run that was canceled, as shells have it for Ctrl-C. */
const CANCELED_EXIT_CODE = 130;

/**
 * The RUNME command: runs the job as its command line asks, shows how it goes, and ends with the
 * path of the report.
 *
 * @returns the exit code
 * @throws {ClickstreamError} for whatever the person who runs it can mend
 */
export async function runMe(args: readonly string[], given: RunMeOptions = {}): Promise<number> {
  const write = given.write ?? writeOut;
  const options = readOptions(args);
  const job = given.job ?? clickstreamJob();
  if (options.help || options.list) {
    write((options.help ? helpText() : listText(job)) + "\n");
    return 0;
  }
  const config = configOf(options, given);
  const lock = acquireLock(join(config.home, "job.lock"), { what: "the job of this home" });
  try {
    return await runLocked(config, job, options, write, given.signal);
  } catch (cause) {
    throw isDiskFull(cause) ? diskFull(config, cause) : cause;
  } finally {
    lock.release();
  }
}

function isDiskFull(error: unknown): boolean {
  const code = (error as { code?: string } | null)?.code;
  return code === "ENOSPC" || code === "EDQUOT";
}

function diskFull(config: Config, cause: unknown): ClickstreamError {
  return new ClickstreamError(
    `There is no space left for the home ${config.home}: free some and resume with --resume latest.`,
    { cause },
  );
}

/** A resumed run keeps its profile unless another is given. */
function configOf(options: RunmeOptions, { settings = {} }: RunMeOptions): Config {
  const withProfile = (profile: RunmeOptions["profile"]) =>
    loadConfig(profile ? { ...settings, CLICKSTREAM_PROFILE: profile } : settings);
  const config = withProfile(options.profile);
  if (options.resume === undefined || options.profile) return config;
  return withProfile(readRun(config, resumedId(config, options)).options.profile as "local");
}

async function runLocked(
  config: Config,
  job: JobDefinition,
  options: RunmeOptions,
  write: Write,
  signal?: AbortSignal,
): Promise<number> {
  const warning = denoWarning();
  if (warning) write(warning + "\n");
  const prepare = options.resume === undefined ? prepareNew : prepareResumed;
  const prepared = await prepare(config, job, options);
  const { run, folder } = prepared;
  write(`Run ${run.run_id} of the ${run.name} job, home ${config.home}\n`);
  await withSignals(signal, (canceled) => execute(config, prepared, write, canceled));
  const results = readResults(folder);
  assertChecks(prepared, results);
  writeReport(config, prepared, results, warning ? [warning] : []);
  write(closingText(prepared, results));
  if (run.state.result_state === "SUCCESS") return 0;
  return run.state.result_state === "CANCELED" ? CANCELED_EXIT_CODE : 1;
}

async function execute(
  config: Config,
  { job, run, folder }: Prepared,
  write: Write,
  signal: AbortSignal,
): Promise<void> {
  const isTerminal = write === writeOut && Deno.stdout.isTerminal();
  const view = terminal({
    write,
    isTerminal,
    columns: () => isTerminal ? Deno.consoleSize().columns : 80,
    now: () => performance.now(),
    width: Math.max(...run.tasks.map(({ task_key }) => task_key.length)),
  });
  const ticking = setInterval(() => view.tick(), 100);
  const environment = {
    CLICKSTREAM_HOME: config.home,
    CLICKSTREAM_PROFILE: config.profile,
    CLICKSTREAM_RUN_ID: run.run_id,
  };
  try {
    await runJob({
      job,
      run,
      folder,
      signal,
      environment,
      mask: secretMask(config),
      onTask: (task) => view.taskChanged(task),
      onProgress: (task, progress) => view.progressed(task, progress),
    });
  } finally {
    clearInterval(ticking);
    view.close();
  }
}

/** A run whose notebooks all ended well has still failed when one of their claims does not hold. */
function assertChecks({ run, folder }: Prepared, results: readonly NotebookResults[]): void {
  const broken = results.flatMap(({ checks }) => checks).filter(({ ok }) => !ok).length;
  if (run.state.result_state === "SUCCESS" && broken > 0) {
    const claims = broken === 1 ? "1 claim does" : `${broken} claims do`;
    run.state.result_state = "FAILED";
    run.state.state_message = `${claims} not hold, see the checks.`;
  }
  run.repair_history.at(-1)!.end_time = Date.now();
  writeRun(folder, run);
}

function writeReport(
  config: Config,
  { run, folder }: Prepared,
  results: NotebookResults[],
  warnings: string[],
): void {
  const resume = resumeCommand(run);
  const history = pastRuns(config);
  const page = reportHtml({ run, folder, results, history, warnings, resume });
  Deno.writeTextFileSync(folder.report, page);
}

function closingText({ run, folder }: Prepared, results: readonly NotebookResults[]): string {
  const failed = run.tasks.filter(({ failure }) => failure && failure.status !== "CANCELED");
  const parts = [
    ...failed.map(failureText),
    checksText(results),
    `${endText(run, folder.path)}\n${folder.report}`,
  ];
  return parts.filter((part) => part !== "").map((part) => `\n${part}\n`).join("");
}

function writeOut(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
}
