import { DisplayError } from "./errors.ts";

/** The stop button was pressed while something was shown live: its next update ends the cell. */
export class InterruptedError extends DisplayError {}

/** Something shown live by a cell that waits in a loop. */
export interface Interruptible {
  /** @throws {InterruptedError} once, after the stop button was pressed */
  throwIfInterrupted(): void;
  /** It is shown no more. */
  end(): void;
}

/** Under this name our Jupyter kernel finds what to call when the stop button is pressed. */
const HOOK = Symbol.for("clickstream.interrupt");

const shown = new Set<{ interrupted: boolean }>();

/**
 * Lets the stop button reach a cell that waits. A kernel cannot break off an `await`; but a loop
 * that waits tells how far it is now and then, and there it can be ended.
 */
export function interruptible(): Interruptible {
  const mark = { interrupted: false };
  shown.add(mark);
  (globalThis as Record<symbol, unknown>)[HOOK] = interruptAll;
  return {
    throwIfInterrupted() {
      if (!mark.interrupted) return;
      mark.interrupted = false;
      throw new InterruptedError("This cell was stopped; what other cells started goes on.");
    },
    end: () => void shown.delete(mark),
  };
}

/** Marks all that is shown live; tells how much that is. */
function interruptAll(): number {
  for (const mark of shown) mark.interrupted = true;
  return shown.size;
}
