import { stripVTControlCharacters } from "node:util";
import type { NotebookProgress } from "../notebook/mod.ts";
import type { TaskRun } from "../run/mod.ts";

/** Where progress is shown. */
export interface TerminalOptions {
  write: (text: string) => void;
  /** Whether lines can be redrawn in place. */
  isTerminal: boolean;
  /** Width in characters. */
  columns: () => number;
  /** Milliseconds, of any origin. */
  now: () => number;
  /** Key of the longest task, for alignment. */
  width: number;
}

/** The live view of a job. */
export interface Terminal {
  taskChanged(task: TaskRun): void;
  progressed(task: TaskRun, progress: NotebookProgress): void;
  /** Draws what has changed; called every now and then. */
  tick(): void;
  /** Leaves the finished lines standing. */
  close(): void;
}

interface Live {
  task: TaskRun;
  started: number;
  progress?: NotebookProgress;
  saidAt: number;
}

/** How often a task that goes on is mentioned where lines cannot be redrawn, in milliseconds. */
const SPARSE_MS = 30_000;
const MARKS: Record<string, string> = {
  SUCCESS: "✓",
  CANCELED: "○",
  UPSTREAM_FAILED: "·",
  UPSTREAM_CANCELED: "·",
};
const WORDS: Record<string, string> = {
  FAILED: "failed",
  TIMEDOUT: "timed out",
  CANCELED: "canceled",
  UPSTREAM_FAILED: "not run",
  UPSTREAM_CANCELED: "not run",
};

/**
 * Shows tasks as they run. On a terminal the running ones are redrawn in place; elsewhere there is a
 * line at the start and the end of each task, and one every 30 s.
 */
export function terminal(options: TerminalOptions): Terminal {
  const { write, isTerminal, now, width } = options;
  const live = new Map<string, Live>();
  let drawn = 0;

  const erase = () => {
    if (drawn > 0) write(`\x1b[${drawn}F\x1b[0J`);
    drawn = 0;
  };
  const line = (text: string) => {
    erase();
    write(text + "\n");
  };

  function draw(): void {
    if (!isTerminal) return;
    erase();
    for (const item of live.values()) {
      write(clip(runningLine(item, now(), width), options.columns()) + "\n");
      drawn += 1;
    }
  }

  return {
    taskChanged(task) {
      if (task.state.life_cycle_state === "RUNNING") {
        live.set(task.task_key, { task, started: now(), saidAt: now() });
        const again = task.attempt_number > 1 ? ` (attempt ${task.attempt_number})` : "";
        if (!isTerminal || again) line(`  … ${task.task_key}${again}`);
        return;
      }
      live.delete(task.task_key);
      if (task.state.result_state !== "EXCLUDED") line(finishedLine(task, width));
    },
    progressed(task, progress) {
      const item = live.get(task.task_key);
      if (item) item.progress = progress;
    },
    tick() {
      if (isTerminal) return draw();
      for (const item of live.values()) {
        if (now() - item.saidAt < SPARSE_MS) continue;
        item.saidAt = now();
        line(runningLine(item, now(), width));
      }
    },
    close: erase,
  };
}

function runningLine({ task, started, progress }: Live, now: number, width: number): string {
  const at = progress ? `cell ${progress.step}/${progress.steps}` : "starting";
  const note = progress?.note ? `  ${stripVTControlCharacters(progress.note)}` : "";
  return `  … ${task.task_key.padEnd(width)}  ${at.padEnd(10)} ${seconds(now - started)}${note}`;
}

function finishedLine(task: TaskRun, width: number): string {
  const result = task.state.result_state ?? "FAILED";
  const mark = MARKS[result] ?? "✗";
  const took = task.start_time > 0 ? seconds(task.execution_duration) : "".padStart(7);
  const words = WORDS[result] ?? `${task.cells.length} cells`;
  return `  ${mark} ${task.task_key.padEnd(width)}  ${words.padEnd(10)} ${took}`.trimEnd();
}

/** Milliseconds as `12.3 s`, or `3 m 05 s` from two minutes on. */
export function seconds(ms: number): string {
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`.padStart(7);
  const whole = Math.round(ms / 1000);
  return `${Math.floor(whole / 60)} m ${String(whole % 60).padStart(2, "0")} s`;
}

function clip(text: string, columns: number): string {
  return text.length < columns ? text : text.slice(0, Math.max(columns - 2, 1)) + "…";
}
