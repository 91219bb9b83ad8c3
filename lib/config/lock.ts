import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { randomUUID } from "node:crypto";
import { BusyError } from "./errors.ts";

/** Who holds a lock file. */
export interface LockHolder {
  /** Process id. */
  pid: number;
  /** When that process started, in the system's own ticks; empty where the system does not say. */
  processStart: string;
  /** What the lock is for, in words. */
  what: string;
  /** When the lock was taken, ISO 8601. */
  since: string;
  /** Tells this holding from every other. */
  token: string;
}

/** A lock held by this process. */
export interface Lock {
  /** Gives the lock back. Safe to call twice. */
  release(): void;
}

/** What is locked. */
export interface LockOptions {
  /** What the lock is for, as it reads in "… is held by process 12". */
  what: string;
}

/**
 * Takes the lock file at `path`, exclusively over all processes. The lock of a process that is gone
 * is taken over; a pid that was given to another program since counts as gone.
 *
 * @throws {BusyError} names the process that holds it
 */
export function acquireLock(path: string, options: LockOptions): Lock {
  mkdirSync(dirname(path), { recursive: true });
  const mine: LockHolder = {
    pid: process.pid,
    processStart: processStart(process.pid),
    what: options.what,
    since: new Date().toISOString(),
    token: randomUUID(),
  };
  for (let attempt = 0; attempt < 20; attempt++) {
    if (createExclusively(path, mine)) return { release: () => release(path, mine.token) };
    const holder = readHolder(path);
    if (holder !== null && isAlive(holder)) throw busy(path, holder, options);
    removeDead(path);
  }
  throw new BusyError(`${options.what} is being locked by others at ${path}; try again.`);
}

/** Who holds the lock file at `path` now; null when nobody does, or a process that is gone. */
export function lockHolder(path: string): LockHolder | null {
  const holder = readHolder(path);
  return holder !== null && isAlive(holder) ? holder : null;
}

/** Whether the process that wrote a state or lock file still runs. */
export function isAlive(holder: Pick<LockHolder, "pid"> & Partial<LockHolder>): boolean {
  if (!Number.isInteger(holder.pid) || holder.pid <= 0) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  const start = processStart(holder.pid);
  if (start === "ended") return false;
  return !holder.processStart || !start || holder.processStart === start;
}

/**
 * When a process started, in the system's ticks; `ended` for one that only waits to be collected,
 * empty where the system does not say or it is gone.
 */
export function processStart(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "ended" : fields[19] ?? "";
  } catch {
    return "";
  }
}

/** The whole file appears at once under its name, or not at all. */
function createExclusively(path: string, holder: LockHolder): boolean {
  const draft = `${path}.${holder.token}`;
  writeFileSync(draft, JSON.stringify(holder));
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function readHolder(path: string): LockHolder | null {
  return holderIn(readText(path));
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function holderIn(text: string | null): LockHolder | null {
  try {
    return JSON.parse(text ?? "null") as LockHolder | null;
  } catch {
    return null;
  }
}

/**
 * Removes a dead lock, or one that cannot be read. One process at a time, behind a lock of the system's
 * own, and only what is still there after its holder was found gone: nobody else can have removed it
 * then, so it is not another's.
 */
function removeDead(path: string): void {
  if (readText(path) === null) return;
  using door = Deno.openSync(`${path}.door`, { create: true, write: true });
  door.lockSync(true);
  const seen = readText(path);
  if (seen === null) return;
  const holder = holderIn(seen);
  if (holder !== null && isAlive(holder)) return;
  if (readText(path) === seen) rmSync(path, { force: true });
}

function release(path: string, token: string): void {
  if (readHolder(path)?.token === token) rmSync(path, { force: true });
}

function busy(path: string, holder: LockHolder, options: LockOptions): BusyError {
  return new BusyError(
    `${options.what} is held by process ${holder.pid} (${holder.what}, since ${holder.since}): ` +
      `wait for it, or end it. Lock file: ${path}.`,
  );
}
