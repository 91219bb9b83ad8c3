import { stripVTControlCharacters } from "node:util";
import type { ExecuteReply, KernelError } from "../kernel/mod.ts";
import { type Cell, firstLineOf, type Output } from "./notebook.ts";
import type { Uncaught } from "./prelude.ts";

/** What ended a cell that did not end by itself. */
export type Over = "canceled" | "cell timeout" | "notebook timeout" | "lost error" | undefined;

/** Why a notebook did not succeed, and where. */
export interface CellFailure {
  status: "FAILED" | "TIMEDOUT" | "CANCELED";
  notebook: string;
  /** Number of the cell in the notebook, from 1. */
  cell: number;
  /** First line of the cell. */
  firstLine: string;
  /** Line of the cell where the error came up, from 1, where it can be told. */
  line?: number;
  /** Name and message of the error, in one line. */
  error: string;
  /** The stack, as the kernel gives it. */
  stack: string[];
}

/** Everything known of how a cell ended. */
export interface CellEnd {
  reply?: ExecuteReply;
  died?: KernelError;
  over: Over;
  lost: Uncaught[];
  unshown: string | undefined;
}

/**
 * The failure of a cell, or undefined when it went well. What the kernel did not write into the
 * cell's outputs itself (a lost rejection, a timeout, its own death) is added there.
 */
export function failureOf(
  end: CellEnd,
  at: { cell: Cell; number: number; notebook: string },
): CellFailure | undefined {
  const shown = at.cell.outputs.find((output) => output.output_type === "error");
  const found = fromLimits(end) ?? fromLost(end.lost) ?? fromKernel(end, shown) ??
    fromUnshown(end.unshown);
  if (found === undefined) return undefined;
  const { status, error, stack } = found;
  if (shown === undefined) {
    const [ename, ...message] = error.split(": ");
    at.cell.outputs.push({
      output_type: "error",
      ename: ename!,
      evalue: message.join(": "),
      traceback: [error, ...stack],
    });
  }
  const line = syntaxErrorLine([error, ...stack]);
  return {
    status,
    notebook: at.notebook,
    cell: at.number,
    firstLine: firstLineOf(at.cell),
    ...(line === undefined ? {} : { line }),
    error: stripVTControlCharacters(error),
    stack: framesOf(stack, error),
  };
}

/** The stack as lines, without the words that the error says already. */
function framesOf(stack: readonly string[], error: string): string[] {
  const lines = stack.flatMap((part) => stripVTControlCharacters(part).split("\n"));
  return lines.map((line) => line.trimEnd()).filter((line) =>
    line.trim() !== "" && line !== error && line !== "Stack trace:"
  );
}

interface Found {
  status: CellFailure["status"];
  error: string;
  stack: string[];
}

function fromLimits({ over }: CellEnd): Found | undefined {
  if (over === "canceled") return { status: "CANCELED", error: "Canceled", stack: [] };
  if (over === "cell timeout" || over === "notebook timeout") {
    const what = over === "cell timeout" ? "the cell" : "the notebook";
    return { status: "TIMEDOUT", error: `Timeout: ${what} did not end in its time`, stack: [] };
  }
  return undefined;
}

function fromLost(lost: Uncaught[]): Found | undefined {
  const [first] = lost;
  if (first === undefined) return undefined;
  const { kind, name, message, stack } = first;
  const error = `${name}: ${message} (${kind}, in this cell or one before it)`;
  return { status: "FAILED", error, stack: stack.split("\n") };
}

function fromKernel({ reply, died }: CellEnd, shown: Output | undefined): Found | undefined {
  if (shown?.output_type === "error") {
    const { ename, evalue, traceback } = shown;
    const error = ename === evalue || ename === "Unknown error" ? evalue : `${ename}: ${evalue}`;
    return { status: "FAILED", error: oneLine(error), stack: [error, ...traceback] };
  }
  if (died) return { status: "FAILED", error: `KernelError: ${died.message}`, stack: [] };
  if (reply && reply.status !== "ok") {
    return { status: "FAILED", error: `Error: ${reply.evalue ?? reply.status}`, stack: [] };
  }
  return undefined;
}

function fromUnshown(unshown: string | undefined): Found | undefined {
  return unshown === undefined
    ? undefined
    : { status: "FAILED", error: `Nothing shown: ${unshown}`, stack: [] };
}

function oneLine(text: string): string {
  return text.split("\n")[0]!.trim();
}

/** The line that a syntax error names: the only lines that the kernel counts as the cell does. */
function syntaxErrorLine(stack: readonly string[]): number | undefined {
  const line = /repl\.tsx:(\d+):\d+/.exec(stack.join("\n"))?.[1];
  return line === undefined ? undefined : Number(line);
}
