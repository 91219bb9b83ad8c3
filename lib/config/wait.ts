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
 * An interval, and out of the timers' turn of the event loop: with DuckDB loaded, Deno 2.8.0 never
 * wakes for a timeout that is set where another timer's wait has just ended.
 *
 * @param signal ends the pause early; its reason is thrown
 */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearInterval(timer);
      reject(signal?.reason);
    };
    const timer = setInterval(() => {
      clearInterval(timer);
      signal?.removeEventListener("abort", stop);
      setImmediate(resolve);
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** Pauses before the next attempt: `ms` doubled for each one before it, five seconds at most. */
export function backOff(attempt: number, ms: number, signal?: AbortSignal): Promise<void> {
  return pause(Math.min(ms * 2 ** attempt, 5000), signal);
}

/**
 * Waits until all work has ended, and throws then what went wrong first in the order given: whoever
 * repeats it, or closes what it uses, does so when nothing is under way any more.
 */
export async function allEnded<T extends readonly Promise<unknown>[] | []>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work);
  return await Promise.all(work);
}

/** Milliseconds between two beats. */
const BEAT_MS = 50;

/*
 * For the timers of libraries, which are no pauses of ours: the same fault loses them until something
 * else happens. This one recurs as long as the process lives, which it does not keep alive.
 */
Deno.unrefTimer(setInterval(() => {}, BEAT_MS) as unknown as number);
