import { basename, dirname } from "node:path";
import { type Kernel, KernelError, type KernelMessage, startKernel } from "../kernel/mod.ts";
import { checkShown } from "./expectation.ts";
import { emittedCodeProbe, frameInCell, locate } from "./locate.ts";
import {
  type Cell,
  firstLineOf,
  type Notebook,
  readNotebook,
  tagsOf,
  withoutOutputs,
  writeNotebook,
} from "./notebook.ts";
import { type OutputCollector, outputCollector } from "./outputs.ts";
import { injectParameters, type Parameters } from "./parameters.ts";
import { FLUSH, PRELUDE, type Uncaught, UNCAUGHT_MIME } from "./prelude.ts";
import { type CellFailure, failureOf, type Over } from "./failure.ts";

/** How a notebook is run. */
export interface RunNotebookOptions {
  /** The notebook file. It is not changed. */
  path: string;
  /** Where the executed copy goes; written after every cell, also when one fails. */
  output: string;
  /** Values for the parameters that the notebook declares; others are left aside. @default {} */
  parameters?: Parameters | undefined;
  /** Variables added to the kernel's environment. @default {} */
  environment?: Record<string, string> | undefined;
  /** Folder the kernel works in; the notebook's own where absent. */
  directory?: string | undefined;
  /** Longest run of the whole notebook, in milliseconds. @default no limit */
  timeoutMs?: number | undefined;
  /** Longest run of one cell, in milliseconds. @default no limit */
  cellTimeoutMs?: number | undefined;
  /** Cancels the run; the partial copy is kept. */
  signal?: AbortSignal | undefined;
  /** Told when a cell starts or shows something new. */
  onProgress?: ((progress: NotebookProgress) => void) | undefined;
  /** Hides secrets in every text that is kept. @default nothing is hidden */
  mask?: ((text: string) => string) | undefined;
  /** The Deno whose kernel runs the notebook. @default Deno.execPath() */
  deno?: string | undefined;
  /** Takes what the kernel process itself prints. @default none kept */
  logFile?: string | undefined;
}

/** Where a run is. */
export interface NotebookProgress {
  /** Number of the cell in the notebook as it was before the injection, from 1, over all cells. */
  cell: number;
  /** Position among the code cells, from 1. */
  step: number;
  /** Number of code cells. */
  steps: number;
  /** What the cell last said of itself, where it shows its progress. */
  note?: string;
}

/** How long one code cell took. */
export interface CellTiming {
  /** Number of the cell in the notebook, from 1. */
  cell: number;
  firstLine: string;
  seconds: number;
}

/** How a run ended. */
export interface NotebookRun {
  status: "SUCCESS" | "FAILED" | "TIMEDOUT" | "CANCELED";
  timings: CellTiming[];
  /** Why it did not succeed. */
  failure?: CellFailure;
}

interface Running {
  kernel: Kernel;
  options: RunNotebookOptions;
  notebook: Notebook;
  collector: OutputCollector;
  timings: CellTiming[];
  /** Ends when the time for the whole notebook is over. */
  deadline: number;
}

/** Time an awaiting cell is given to end by itself once an error of it was lost, in milliseconds. */
const LOST_ERROR_GRACE_MS = 3000;

/**
 * Runs the code cells of a notebook in order in a kernel of its own and saves the executed copy.
 * A failing cell ends the run; it is reported, not thrown.
 *
 * @throws {NotFoundError | NotebookError} when the notebook cannot be read
 * @throws {KernelError} when no kernel comes up
 */
export async function runNotebook(options: RunNotebookOptions): Promise<NotebookRun> {
  const source = await readNotebook(options.path);
  const notebook = injectParameters(withoutOutputs(source), options.parameters ?? {});
  const deadline = Date.now() + (options.timeoutMs ?? Infinity);
  const collector = outputCollector(options.mask);
  const timings: CellTiming[] = [];
  await writeNotebook(options.output, notebook);
  const kernel = await startKernel({
    directory: options.directory ?? dirname(options.path),
    environment: options.environment,
    deno: options.deno,
    logFile: options.logFile,
    mask: options.mask,
  });
  try {
    const run = { kernel, options, notebook, collector, timings, deadline };
    await kernel.execute(PRELUDE, { silent: true });
    const failure = await runCells(run);
    return failure ? { status: failure.status, timings, failure } : { status: "SUCCESS", timings };
  } finally {
    await kernel.stop();
    await writeNotebook(options.output, notebook);
  }
}

async function runCells(run: Running): Promise<CellFailure | undefined> {
  const { notebook, options } = run;
  const code = notebook.cells.filter(isRunnable);
  for (const [i, cell] of code.entries()) {
    const progress = { cell: numberOf(notebook, cell), step: i + 1, steps: code.length };
    options.onProgress?.(progress);
    const failure = await runCell(run, cell, progress);
    if (failure) return failure;
    await writeNotebook(options.output, notebook);
  }
  return undefined;
}

function numberOf(notebook: Notebook, cell: Cell): number {
  const before = notebook.cells.slice(0, notebook.cells.indexOf(cell) + 1);
  return before.filter((cell) => !tagsOf(cell).includes("injected-parameters")).length;
}

async function runCell(
  run: Running,
  cell: Cell,
  progress: NotebookProgress,
): Promise<CellFailure | undefined> {
  const { kernel, options } = run;
  const lost: Uncaught[] = [];
  const limits = cellLimits(run, lost);
  const onMessage = (message: KernelMessage) => {
    const uncaught = uncaughtOf(message, options.mask);
    if (uncaught) {
      lost.push(uncaught);
      limits.lostError();
      return;
    }
    takeMessage(run, cell, message, progress);
  };
  const started = performance.now();
  let ended: { reply?: Awaited<ReturnType<Kernel["execute"]>>; died?: KernelError } = {};
  try {
    const reply = await kernel.execute(cell.source, { onMessage });
    ended = { reply };
    cell.execution_count = reply.execution_count;
    if (reply.status === "ok") await kernel.execute(FLUSH, { silent: true, onMessage });
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    ended = { ...ended, died: error };
  }
  const over = await limits.end(ended.died !== undefined);
  const seconds = (performance.now() - started) / 1000;
  run.timings.push({ cell: progress.cell, firstLine: firstLineOf(cell), seconds });
  const how = { over, lost, unshown: checkShown(cell), ...ended };
  const at = { cell, number: progress.cell, notebook: basename(options.path) };
  const failure = failureOf(how, at);
  if (failure && ended.reply && lost.length === 0) await addLine(failure, kernel, cell);
  return failure;
}

/** Asks the kernel, while it lives, what it made of the cell, and finds the line of the error. */
async function addLine(failure: CellFailure, kernel: Kernel, cell: Cell): Promise<void> {
  const frame = frameInCell(failure.stack, cell.source);
  if (failure.line !== undefined || frame === undefined) return;
  let emitted = "";
  const onMessage = ({ content }: KernelMessage) => emitted += content.text ?? "";
  const probe = emittedCodeProbe(cell.source);
  await kernel.execute(probe, { silent: true, onMessage }).catch(() => {});
  const line = locate(cell.source, emitted, frame);
  if (line !== undefined) failure.line = line;
}

function takeMessage(
  run: Running,
  cell: Cell,
  message: KernelMessage,
  progress: NotebookProgress,
): void {
  if (message.header.msg_type === "execute_input") {
    cell.execution_count = Number(message.content.execution_count);
  }
  run.collector.take(cell, message);
  const data = message.content.data as Record<string, unknown> | undefined;
  const note = message.header.msg_type === "update_display_data" ? data?.["text/plain"] : undefined;
  if (typeof note === "string") {
    run.options.onProgress?.({ ...progress, note: note.trimEnd().split("\n").at(-1) ?? "" });
  }
}

/** Ends the kernel when the cell's time, the notebook's time or the caller's patience is over. */
function cellLimits(run: Running, lost: Uncaught[]) {
  const { kernel, options, deadline } = run;
  const timers: ReturnType<typeof setTimeout>[] = [];
  let over: Over;
  const stop = (why: Over) => {
    over ??= why;
    kernel.kill();
  };
  const after = (ms: number, why: Over) => {
    if (ms < 2 ** 31) timers.push(setTimeout(() => stop(why), Math.max(ms, 0)));
  };
  const cancel = () => stop("canceled");
  if (options.signal?.aborted) cancel();
  options.signal?.addEventListener("abort", cancel, { once: true });
  after(options.cellTimeoutMs ?? Infinity, "cell timeout");
  after(deadline - Date.now(), "notebook timeout");
  return {
    lostError(): void {
      if (lost.length === 1) after(LOST_ERROR_GRACE_MS, "lost error");
    },
    /** Lifts the limits. Ctrl-C reaches the kernel too, maybe first: a death waits for a cancel. */
    async end(died: boolean): Promise<Over> {
      if (died && over === undefined && options.signal) {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      for (const timer of timers) clearTimeout(timer);
      options.signal?.removeEventListener("abort", cancel);
      return over;
    },
  };
}

function uncaughtOf(
  message: KernelMessage,
  mask: (text: string) => string = (text) => text,
): Uncaught | undefined {
  if (message.header.msg_type !== "display_data") return undefined;
  const data = message.content.data as Record<string, unknown> | undefined;
  const uncaught = data?.[UNCAUGHT_MIME] as Uncaught | undefined;
  if (uncaught === undefined) return undefined;
  const { kind, name, message: words, stack } = uncaught;
  return { kind, name, message: mask(words), stack: mask(stack) };
}

function isRunnable(cell: Cell): boolean {
  return cell.cell_type === "code" && cell.source.trim() !== "" &&
    !tagsOf(cell).includes("skip-execution");
}
