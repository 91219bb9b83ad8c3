import { type Clock, nextHourEnd, wallClock } from "./clock.ts";
import { HOUR_MS, hoursBetween, parseHour } from "./hour.ts";
import type { HourStatus } from "./journal.ts";
import { inputsOf, landedHours } from "./landing.ts";
import type { Pipeline } from "./pipeline.ts";
import { runHours } from "./run_hour.ts";

/** How {@link coordinate} works. */
export interface CoordinatorOptions {
  /** First hour, `YYYYMMDD_HH`. */
  from: string;
  /** Last hour. */
  to: string;
  /** @default the machine's clock */
  clock?: Clock;
  /** Minutes that an hour waits for its inputs before it times out. @default 10 */
  timeoutMinutes?: number;
  /** Hours that may wait at the same time. @default 10 */
  throttle?: number;
  /** Hours that are run together when so many are ready, as after downtime. @default 1 */
  hoursAtOnce?: number;
  /** Ends it between two hours; its reason is thrown. */
  signal?: AbortSignal;
  /** Called when an hour has run or timed out. @default nothing */
  onHour?: (status: HourStatus) => void;
}

/** What a coordinator knows beside its journal. */
interface Watch extends Required<Omit<CoordinatorOptions, "signal">> {
  pipeline: Pipeline;
  /** Hours that are not over, or not yet looked at. */
  ahead: string[];
  /** Hours that broke for a reason no delivery mends; a new start tries them again. */
  broken: Set<string>;
}

/**
 * Runs every hour of a span, one at a time, oldest first, as soon as it is over and both its inputs
 * are whole. An hour that waits too long times out, and runs when its inputs come after all; an hour
 * whose input comes again runs again; hours missed while nothing ran are caught up with. Killed and
 * started again, it goes on where it was.
 *
 * @returns the hours of the span that the journal knows, when all are over and none can run
 */
export async function coordinate(
  pipeline: Pipeline,
  options: CoordinatorOptions,
): Promise<HourStatus[]> {
  const { signal } = options;
  const watch = watchOf(pipeline, options);
  for (const { date_ts } of inSpan(watch, pipeline.journal.hours(["running"]))) {
    await run(watch, [date_ts]);
  }
  for (;;) {
    signal?.throwIfAborted();
    begin(watch);
    const ready = readyHours(watch);
    if (ready.length > 0) await run(watch, ready);
    else if (expire(watch)) continue;
    else {
      const next = nextMoment(watch);
      if (next === null) return inSpan(watch, pipeline.journal.hours());
      await watch.clock.sleepUntil(next, signal);
    }
  }
}

function watchOf(pipeline: Pipeline, options: CoordinatorOptions): Watch {
  const { timeoutMinutes = 10, throttle = 10, hoursAtOnce = 1 } = options;
  const { clock = wallClock, onHour = () => {} } = options;
  const ahead = hoursBetween(options.from, options.to)
    .filter((hour) => pipeline.journal.hour(hour) === undefined);
  const broken = new Set<string>();
  const limits = { timeoutMinutes, throttle, hoursAtOnce };
  return { from: options.from, to: options.to, pipeline, ...limits, clock, onHour, ahead, broken };
}

function inSpan(watch: Watch, hours: HourStatus[]): HourStatus[] {
  return hours.filter(({ date_ts }) => date_ts >= watch.from && date_ts <= watch.to);
}

function waiting(watch: Watch): HourStatus[] {
  return inSpan(watch, watch.pipeline.journal.hours(["waiting"]));
}

/** Lets hours that are over wait, as many as may. */
function begin(watch: Watch): void {
  const { journal } = watch.pipeline;
  const now = watch.clock.now();
  let free = watch.throttle - waiting(watch).length;
  for (; free > 0 && watch.ahead.length > 0 && endOf(watch.ahead[0]!) <= now; free--) {
    journal.setHour(watch.ahead.shift()!, { state: "waiting", since: now });
  }
}

/** The oldest hours that can run: of those waiting, else of those whose input came late or again. */
function readyHours(watch: Watch): string[] {
  const { journal, landing } = watch.pipeline;
  const ready: string[] = [];
  for (const { date_ts, reason } of waiting(watch)) {
    const { waitsFor } = inputsOf(landing, date_ts);
    if (waitsFor === null && ready.push(date_ts) === watch.hoursAtOnce) return ready;
    if (waitsFor !== null && waitsFor !== reason) journal.setHour(date_ts, { reason: waitsFor });
  }
  if (ready.length > 0) return ready;
  const late = landedHours(landing).find((hour) => isLate(watch, hour));
  return late === undefined ? [] : [late];
}

/** Whether an hour that does not wait any more has got an input. */
function isLate(watch: Watch, hour: string): boolean {
  if (hour < watch.from || hour > watch.to || watch.broken.has(hour)) return false;
  if (watch.ahead[0] !== undefined && hour >= watch.ahead[0]) return false;
  const { journal, landing } = watch.pipeline;
  if (journal.hour(hour)?.state === "waiting") return false;
  const { waitsFor, fresh } = inputsOf(landing, hour);
  return fresh && waitsFor === null;
}

async function run(watch: Watch, hours: readonly string[]): Promise<void> {
  const { pipeline, clock, broken } = watch;
  for (const status of await runHours(pipeline, hours, { now: clock.now() })) {
    const { waitsFor } = inputsOf(pipeline.landing, status.date_ts);
    // A delivery that was refused has lost its flag; one still whole failed for another reason.
    if (status.state === "failed" && waitsFor === null) broken.add(status.date_ts);
    watch.onHour(status);
  }
}

/** Times out what has waited long enough; a clock that was put back makes nothing wait longer. */
function expire(watch: Watch): boolean {
  const { journal } = watch.pipeline;
  const now = watch.clock.now();
  let expired = false;
  for (const { date_ts, since, reason } of waiting(watch)) {
    if (since > now) journal.setHour(date_ts, { since: now });
    if (now - since < watch.timeoutMinutes * 60_000) continue;
    const waited = `${reason}; waited ${watch.timeoutMinutes} min`;
    journal.setHour(date_ts, { state: "timed out", since: now, reason: waited });
    watch.onHour(journal.hour(date_ts)!);
    expired = true;
  }
  return expired;
}

/** When there is something to do next; null when all is done. */
function nextMoment(watch: Watch): number | null {
  const now = watch.clock.now();
  const waits = waiting(watch);
  const moments = waits.map(({ since }) => since + watch.timeoutMinutes * 60_000);
  const next = watch.ahead[0];
  if (next !== undefined && waits.length < watch.throttle) {
    moments.push(Math.max(endOf(next), nextHourEnd(now)));
  }
  return moments.length === 0 ? null : Math.min(...moments);
}

function endOf(hour: string): number {
  return parseHour(hour).getTime() + HOUR_MS;
}
