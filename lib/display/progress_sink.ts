import { randomUUID } from "node:crypto";
import { inKernel, show } from "./kernel.ts";
import { progressBundle, progressLine } from "./progress_text.ts";

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

/** In place in a notebook, on one line in a terminal, now and then in a log. */
export function chooseSink(): ProgressSink {
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

/** One line, rewritten; it never wraps, or going back would not reach its start. */
export function terminalSink(write = writeError, columns = terminalColumns): ProgressSink {
  return {
    intervalMs: 100,
    now: () => performance.now(),
    draw(state, final) {
      const line = [...progressLine(state, final)].slice(0, columns() - 1).join("");
      write(`\r\x1b[2K${line}${final ? "\n" : ""}`);
      return Promise.resolve();
    },
  };
}

/** A line now and then, and none for what is over in seconds but the last. */
export function logSink(write = writeError): ProgressSink {
  return {
    intervalMs: 10_000,
    now: () => performance.now(),
    draw(state, final) {
      if (final || state.elapsedSeconds > 5) write(`${progressLine(state, final)}\n`);
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
