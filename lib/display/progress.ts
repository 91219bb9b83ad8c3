import { randomUUID } from "node:crypto";
import { formatDuration, formatNumber } from "./format.ts";
import { type Bundle, inKernel, show } from "./kernel.ts";
import { escapeHtml } from "./table.ts";

/** What {@link progress} counts. */
export interface ProgressOptions {
  /** How many there are; without it there is a rate, but no share and no time left. */
  total?: number;
  /** What is counted, as it reads after a number ("events"). @default none */
  unit?: string;
}

/** A line that tells how far something is. */
export interface Progress {
  /** Says how many are done. Cheap: it draws a few times a second at most. */
  update(done: number, note?: string): void;
  /** Draws the final line. Call it once; later updates are ignored. */
  finish(note?: string): Promise<void>;
}

/** Where and when lines are drawn; a test brings its own. */
export interface ProgressSink {
  /** Shortest time between two draws in milliseconds. */
  intervalMs: number;
  /** A clock in milliseconds. */
  now(): number;
  /** Draws a state; `final` is true for the last. */
  draw(state: ProgressState, final: boolean): Promise<void>;
}

/** All that a drawing of progress needs. */
export interface ProgressState {
  label: string;
  done: number;
  total: number | undefined;
  unit: string;
  note: string;
  elapsedSeconds: number;
  /** Items a second, lately; 0 when unknown. */
  rate: number;
}

/** The rate follows what happened in about this many seconds. */
const RATE_MEMORY_SECONDS = 3;
const BAR_CELLS = 24;

/**
 * Shows progress with rate and time left: in place in a notebook and in a terminal (stderr), a
 * line every ten seconds in a log.
 *
 * @example
 * ```ts
 * import { progress } from "clickstream/display";
 * const loading = progress("Loading", { total: 200_000, unit: "events" });
 * loading.update(50_000);
 * await loading.finish();
 * ```
 */
export function progress(label: string, options: ProgressOptions = {}): Progress {
  return progressOn(chooseSink(), label, options);
}

/** {@link progress} on a given sink. */
export function progressOn(
  sink: ProgressSink,
  label: string,
  { total, unit = "" }: ProgressOptions = {},
): Progress {
  const start = sink.now();
  const rate = createRate(start);
  const state: ProgressState = {
    label,
    done: 0,
    total,
    unit,
    note: "",
    elapsedSeconds: 0,
    rate: 0,
  };
  let drawnAt = -Infinity;
  let finished = false;
  let drawing: Promise<void> = Promise.resolve();
  const draw = (final: boolean) => {
    const shown = { ...state };
    drawing = drawing.then(() => sink.draw(shown, final)).catch(() => {});
  };
  function update(done: number, note?: string): void {
    if (finished) return;
    const now = sink.now();
    state.rate = rate(done, now);
    state.done = done;
    state.note = note ?? state.note;
    state.elapsedSeconds = (now - start) / 1000;
    if (now - drawnAt < sink.intervalMs) return;
    drawnAt = now;
    draw(false);
  }
  async function finish(note?: string): Promise<void> {
    if (finished) return;
    finished = true;
    state.elapsedSeconds = (sink.now() - start) / 1000;
    state.rate = state.elapsedSeconds > 0 ? state.done / state.elapsedSeconds : 0;
    state.note = note ?? "";
    draw(true);
    await drawing;
  }
  draw(false);
  return { update, finish };
}

/** The state as one line of text. */
export function progressLine(state: ProgressState, final: boolean): string {
  const { label, note } = state;
  const facts = factsOf(state, final);
  const bar = final || state.total === undefined ? "" : `${barOf(state.done / state.total)} `;
  const tail = [facts, note].filter((part) => part !== "").join(" · ");
  return `${final ? "✓ " : ""}${label}  ${bar}${tail}`.trimEnd();
}

function factsOf(
  { done, total, unit, elapsedSeconds, rate }: ProgressState,
  final: boolean,
): string {
  const counted = `${formatNumber(done)}${
    total === undefined || final ? "" : ` / ${formatNumber(total)}`
  }`;
  const parts = done === 0 && total === undefined ? [] : [`${counted} ${unit}`.trimEnd()];
  if (final) parts.push(`in ${formatDuration(elapsedSeconds)}`);
  if (rate > 0) parts.push(`${formatNumber(Number(rate.toPrecision(3)))}/s`);
  const left = total === undefined || rate <= 0 ? NaN : (total - done) / rate;
  if (!final && left > 0) parts.push(`${formatDuration(left)} left`);
  return parts.join(" · ");
}

function barOf(share: number): string {
  const bounded = Math.min(1, Math.max(0, share || 0));
  const full = Math.floor(bounded * BAR_CELLS);
  const percent = `${Math.floor(bounded * 100)} %`.padStart(5);
  return `${"█".repeat(full)}${"░".repeat(BAR_CELLS - full)} ${percent}`;
}

/** Items a second, recent ones counting more; steady against uneven calls. */
function createRate(start: number): (done: number, now: number) => number {
  let [lastDone, lastTime, rate] = [0, start, 0];
  return (done, now) => {
    const seconds = (now - lastTime) / 1000;
    if (seconds < 0.05) return rate;
    const fresh = (done - lastDone) / seconds;
    const weight = rate === 0 ? 1 : 1 - Math.exp(-seconds / RATE_MEMORY_SECONDS);
    rate += weight * (fresh - rate);
    [lastDone, lastTime] = [done, now];
    return rate;
  };
}

function chooseSink(): ProgressSink {
  if (inKernel()) return kernelSink();
  return Deno.stderr.isTerminal() ? terminalSink() : logSink();
}

function kernelSink(): ProgressSink {
  const displayId = randomUUID();
  let update = false;
  return {
    intervalMs: 250,
    now: () => performance.now(),
    async draw(state, final) {
      const first = !update;
      update = true;
      await show(progressBundle(state, final), { displayId, update: !first });
    },
  };
}

/** The state as a notebook shows it: HTML without scripts, and text. */
export function progressBundle(state: ProgressState, final: boolean): Bundle {
  const { label, done, total, note } = state;
  const bar = final || total === undefined
    ? ""
    : `<progress value="${Math.min(done, total)}" max="${total}"></progress> `;
  const tail = [factsOf(state, final), note].filter((part) => part !== "").join(" · ");
  return {
    "text/html": `<div>${final ? "✓ " : ""}<strong>${escapeHtml(label)}</strong> ${bar}${
      escapeHtml(tail)
    }</div>`,
    "text/plain": progressLine(state, final),
  };
}

function terminalSink(): ProgressSink {
  return {
    intervalMs: 100,
    now: () => performance.now(),
    draw(state, final) {
      const columns = terminalColumns();
      const line = [...progressLine(state, final)].slice(0, columns - 1).join("");
      writeError(`\r\x1b[2K${line}${final ? "\n" : ""}`);
      return Promise.resolve();
    },
  };
}

function logSink(): ProgressSink {
  return {
    intervalMs: 10_000,
    now: () => performance.now(),
    draw(state, final) {
      if (final || state.elapsedSeconds > 5) writeError(`${progressLine(state, final)}\n`);
      return Promise.resolve();
    },
  };
}

function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 80;
  }
}

function writeError(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
