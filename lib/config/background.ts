import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import type { Config } from "./config.ts";
import { BusyError, ClickstreamError } from "./errors.ts";
import { acquireLock, isAlive, type Lock } from "./lock.ts";
import { maskText } from "./mask.ts";
import { pause, TimeoutError, waitUntil } from "./wait.ts";

/** What a background process writes, atomically, once it can be used. */
export interface BackgroundState {
  /** Its process id. */
  pid: number;
  /** Address that answers 200 while it is well. */
  healthUrl: string;
  /** When it started, in the system's ticks, so that a reused pid is told apart. */
  processStart?: string;
}

/** Which process to have running, and where its files are. */
export interface BackgroundOptions {
  /** What it is, in words, for messages. */
  name: string;
  /** Absolute path of its entry point. */
  script: string;
  /** Arguments of the script. @default none */
  args?: string[];
  /** File that the process writes when it is ready. */
  stateFile: string;
  /** File that takes its output, appended to. */
  logFile: string;
  /** Milliseconds until it must be ready. @default 30000 */
  timeoutMs?: number;
  /** Whose home it is given as CLICKSTREAM_HOME. */
  config: Config;
  /** More environment variables. @default none */
  env?: Record<string, string>;
}

/**
 * Makes sure that a background process runs, and returns what it wrote to its state file. It is
 * started detached, with its output in the log file, unless one runs and answers already. Any number
 * of processes may ask at once: one starts it, the others wait for it.
 *
 * @throws {ClickstreamError} when it does not become ready; shows the end of its log
 */
export async function ensureBackground<T extends BackgroundState>(
  options: BackgroundOptions,
): Promise<T> {
  const timeoutMs = options.timeoutMs ?? 30_000;
  try {
    return await waitUntil(async () => {
      const running = await runningState<T>(options.stateFile);
      if (running !== null) return running;
      const lock = tryLock(`${options.stateFile}.starting`, options.name);
      if (lock === null) return null;
      try {
        return await runningState<T>(options.stateFile) ?? await start<T>(options, timeoutMs);
      } finally {
        lock.release();
      }
    }, { timeoutMs: timeoutMs + 1000, intervalMs: 50, what: `${options.name} to start` });
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    throw notReady(options, timeoutMs, error);
  }
}

/**
 * The state of a background process that lives and answers, or null. Starts nothing.
 *
 * @param stateFile file the process wrote when it was ready
 */
export async function runningState<T extends BackgroundState>(
  stateFile: string,
): Promise<T | null> {
  const state = readState<T>(stateFile);
  if (state === null || !isAlive(state)) return null;
  return await isHealthy(state.healthUrl) ? state : null;
}

/**
 * Ends the background process of a state file: asks with SIGTERM, insists with SIGKILL after 10 s.
 *
 * @returns false when none ran
 */
export async function stopBackground(stateFile: string): Promise<boolean> {
  const state = readState(stateFile);
  if (state === null) return false;
  const ran = isAlive(state);
  if (ran) {
    signal(state.pid, "SIGTERM");
    const gone = () => !isAlive(state);
    try {
      await waitUntil(gone, { timeoutMs: 10_000, what: `process ${state.pid} to end` });
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      signal(state.pid, "SIGKILL");
      await waitUntil(gone, { timeoutMs: 5000, what: `process ${state.pid} to end` });
    }
  }
  if (readState(stateFile)?.pid === state.pid) rmSync(stateFile, { force: true });
  return ran;
}

async function start<T extends BackgroundState>(
  options: BackgroundOptions,
  timeoutMs: number,
): Promise<T> {
  const stale = readState<T>(options.stateFile);
  if (stale !== null && isAlive(stale)) {
    if (await answersBy(stale.healthUrl, timeoutMs / 2)) return stale;
    await stopBackground(options.stateFile);
  }
  rmSync(options.stateFile, { force: true });
  const child = launch(options);
  let exited: number | string | null = null;
  child.once("exit", (code, by) => exited = code ?? by ?? "unknown");
  try {
    return await waitUntil(async () => {
      if (exited !== null) {
        throw new ClickstreamError(
          `${options.name} ended at its start (exit ${exited}): ${lastLines(options.logFile)}`,
        );
      }
      return await runningState<T>(options.stateFile);
    }, { timeoutMs, intervalMs: 25, what: `${options.name} to answer` });
  } catch (error) {
    if (error instanceof TimeoutError) child.kill("SIGKILL");
    throw error;
  } finally {
    child.removeAllListeners("exit");
    child.unref();
  }
}

function launch(options: BackgroundOptions) {
  mkdirSync(dirname(options.logFile), { recursive: true });
  mkdirSync(dirname(options.stateFile), { recursive: true });
  const log = openSync(options.logFile, "a");
  try {
    return spawn(
      Deno.execPath(),
      ["run", "-A", "--quiet", options.script, ...(options.args ?? [])],
      {
        detached: true,
        stdio: ["ignore", log, log],
        env: { ...process.env, CLICKSTREAM_HOME: options.config.home, ...options.env },
      },
    );
  } finally {
    closeSync(log);
  }
}

function tryLock(path: string, name: string): Lock | null {
  try {
    return acquireLock(path, { what: `The start of ${name}` });
  } catch (error) {
    if (error instanceof BusyError) return null;
    throw error;
  }
}

function readState<T extends BackgroundState>(stateFile: string): T | null {
  try {
    return JSON.parse(readFileSync(stateFile, "utf8")) as T;
  } catch {
    return null;
  }
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}

/** A busy process may miss one health check: it is given up only after several. */
async function answersBy(url: string, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    if (await isHealthy(url)) return true;
    await pause(200);
  }
  return false;
}

function signal(pid: number, name: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function notReady(options: BackgroundOptions, timeoutMs: number, cause: Error): ClickstreamError {
  return new ClickstreamError(
    `${options.name} was not ready after ${timeoutMs / 1000} s; its log ${options.logFile} ends: ` +
      lastLines(options.logFile),
    { cause },
  );
}

function lastLines(file: string): string {
  try {
    return maskText(readFileSync(file, "utf8").trim().split("\n").slice(-5).join(" | "));
  } catch {
    return "(no log)";
  }
}
