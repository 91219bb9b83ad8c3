import { ClickstreamError } from "./errors.ts";

/** What was waited for did not come in time. */
export class TimeoutError extends ClickstreamError {}

/** How long and how often {@link waitUntil} looks. */
export interface WaitOptions {
  /** What is waited for, as it reads in "Waited 5 s for …". */
  what: string;
  /** Milliseconds until giving up. @default 30000 */
  timeoutMs?: number;
  /** Milliseconds between two looks. @default 20 */
  intervalMs?: number;
  /** Ends the wait early; its reason is thrown. */
  signal?: AbortSignal;
}

/**
 * Calls `check` until it gives something other than `undefined`, `null` or `false`, and returns that.
 *
 * @param check may be asynchronous; what it throws ends the wait
 * @throws {TimeoutError} names what was waited for and for how long
 */
export async function waitUntil<T>(
  check: () => T | Promise<T>,
  options: WaitOptions,
): Promise<Exclude<T, undefined | null | false>> {
  const timeoutMs = options.timeoutMs ?? 30_000;
  const deadline = performance.now() + timeoutMs;
  while (true) {
    options.signal?.throwIfAborted();
    const found = await check();
    if (found !== undefined && found !== null && found !== false) {
      return found as Exclude<T, undefined | null | false>;
    }
    const left = deadline - performance.now();
    if (left <= 0) {
      throw new TimeoutError(`Waited ${timeoutMs / 1000} s for ${options.what} in vain.`);
    }
    await pause(Math.min(options.intervalMs ?? 20, left), options.signal);
  }
}

/**
 * Resolves after `ms` milliseconds.
 *
 * @param signal ends the pause early; its reason is thrown
 */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const waiter = { due: performance.now() + ms, wake: resolve };
  const stop = () => reject(signal?.reason);
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener("abort", stop, { once: true });
  waiters.add(waiter);
  if (!beating) beat();
  return promise.finally(() => {
    waiters.delete(waiter);
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  });
}

/** Milliseconds between two beats. */
const BEAT_MS = 50;
const cell = new Int32Array(new SharedArrayBuffer(4));
const waiters = new Set<{ due: number; wake: () => void }>();
let beating = false;

/**
 * Wakes those whose time has come while somebody waits. On a busy machine Deno 2.8.0 can miss the
 * moment of a timer, and then sleeps until something else happens, or forget the timer altogether:
 * this goes by a thread of its own.
 */
async function beat(): Promise<void> {
  beating = true;
  while (waiters.size > 0) {
    await Atomics.waitAsync(cell, 0, 0, BEAT_MS).value;
    const now = performance.now();
    for (const waiter of waiters) if (now >= waiter.due) waiter.wake();
  }
  beating = false;
}
