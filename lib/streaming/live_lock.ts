import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { acquireLock, type Config, homePaths, lockHolder } from "clickstream/config";
import { checkStopped } from "./ending.ts";
import { StreamError } from "./errors.ts";
import { readState, type RebuildFile, streamFiles } from "./state_file.ts";

/**
 * Runs a task that changes what queries and replays go on from: none of them is at work, and none
 * starts before `body` ends.
 *
 * @param task its command, for messages
 * @throws {StreamError} while a query or a replay runs or starts
 * @throws {BusyError} while another such task is at work
 */
export async function withLiveHalfStopped<T>(
  config: Config,
  task: string,
  body: () => Promise<T>,
): Promise<T> {
  const lock = acquireLock(lockPath(config), { what: task });
  try {
    if (startsNow(config)) {
      throw new StreamError("A replay or a streaming query starts: stop 2a and 2b first.");
    }
    checkStopped(config);
    return await body();
  } finally {
    lock.release();
  }
}

/**
 * Starts a query or a replay; when `start` ends, its state file says that it runs.
 *
 * @throws {StreamError} while a task needs the live half stopped, or before a rebuild is finished
 */
export async function whileStarting<T>(config: Config, start: () => Promise<T>): Promise<T> {
  // Noted first, then looked: of a start and a task at the same moment, at least one sees the other.
  const path = join(homePaths(config).stream, `${STARTING}${randomUUID()}`);
  const note = acquireLock(path, { what: "the start of a query or a replay" });
  try {
    checkFree(config);
    return await start();
  } finally {
    note.release();
  }
}

const STARTING = "starting-";

function lockPath(config: Config): string {
  return join(homePaths(config).stream, "stopped.lock");
}

function startsNow(config: Config): boolean {
  const folder = homePaths(config).stream;
  return readdirSync(folder).some((name) =>
    name.startsWith(STARTING) && lockHolder(join(folder, name)) !== null
  );
}

function checkFree(config: Config): void {
  const holder = lockHolder(lockPath(config));
  if (holder !== null) {
    throw new StreamError(
      `${holder.what} is at work (process ${holder.pid}): wait for its end, then start again.`,
    );
  }
  if (readState<RebuildFile>(streamFiles(config).rebuild) !== null) {
    throw new StreamError(
      "A rebuild was cut off, and the features do not follow from silver yet: run deno task rebuild -- --write first.",
    );
  }
}
