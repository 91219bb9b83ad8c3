import { interruptible } from "./interrupt.ts";
import { chooseSink, type ProgressSink, type ProgressState } from "./progress_sink.ts";

/** What {@link progress} counts. */
export interface ProgressOptions {
  /** How many there are; without it there is a rate, but no share and no time left. */
  total?: number;
  /** What is counted, as it reads after a number ("events"). @default none */
  unit?: string;
}

/** A line that tells how far something is. */
export interface Progress {
  /**
   * Says how many are done. Cheap: it draws a few times a second at most.
   *
   * @throws {InterruptedError} after the stop button of a notebook was pressed
   */
  update(done: number, note?: string): void;
  /** Draws the final line. Call it once; later updates are ignored. */
  finish(note?: string): Promise<void>;
}

/** The rate follows what happened in about this many seconds. */
const RATE_MEMORY_SECONDS = 3;

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
  const rateAt = createRate(start);
  const state: ProgressState = {
    label,
    done: 0,
    total,
    unit,
    note: "",
    elapsedSeconds: 0,
    rate: 0,
  };
  const draw = inOrder(sink);
  const stop = interruptible();
  let drawnAt = -Infinity;
  let finished = false;
  function update(done: number, note?: string): void {
    if (finished) return;
    stop.throwIfInterrupted();
    const now = sink.now();
    state.rate = rateAt(done, now);
    state.done = done;
    state.note = note ?? state.note;
    state.elapsedSeconds = (now - start) / 1000;
    if (now - drawnAt < sink.intervalMs) return;
    drawnAt = now;
    void draw(state, false);
  }
  async function finish(note = ""): Promise<void> {
    if (finished) return;
    finished = true;
    stop.end();
    const elapsedSeconds = (sink.now() - start) / 1000;
    const rate = elapsedSeconds >= 0.05 ? state.done / elapsedSeconds : 0;
    await draw({ ...state, elapsedSeconds, rate, note }, true);
  }
  void draw(state, false);
  return { update, finish };
}

/** Draws one state after the other; a sink that fails must not stop the work it shows. */
function inOrder(sink: ProgressSink): ProgressSink["draw"] {
  let drawing: Promise<void> = Promise.resolve();
  return (state, final) => {
    const shown = { ...state };
    drawing = drawing.then(() => sink.draw(shown, final)).catch(() => {});
    return drawing;
  };
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
