/** MIME type under which the prelude reports what no cell caught. */
export const UNCAUGHT_MIME = "application/vnd.clickstream.uncaught+json";

/** What the prelude reports. */
export interface Uncaught {
  /** `unhandled rejection` or `uncaught error`. */
  kind: string;
  name: string;
  message: string;
  stack: string;
}

/**
 * Code run silently before the first cell of a notebook. The kernel says nothing of an unhandled
 * rejection or of an error in a timer; this reports them to the runner, which fails the cell.
 * It also ends the kernel when the runner is gone, so that a killed run leaves nothing behind.
 */
export const PRELUDE = `{
  const report = (kind, reason) => {
    const error = reason instanceof Error ? reason : new Error(String(reason));
    const body = { kind, name: error.name, message: error.message, stack: String(error.stack) };
    void Deno.jupyter.broadcast("display_data", {
      data: { "${UNCAUGHT_MIME}": body, "text/plain": kind + ": " + error.message },
      metadata: {},
      transient: {},
    });
  };
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    report("unhandled rejection", event.reason);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    report("uncaught error", event.error ?? event.message);
  });
  const runner = Deno.ppid;
  Deno.unrefTimer(setInterval(() => {
    if (Deno.ppid !== runner) Deno.exit(1);
  }, 2000));
}
undefined`;

/** Run silently after each cell: lets a rejection or a due timer of the cell come out. */
export const FLUSH = "await new Promise((done) => setTimeout(done, 0)); undefined";
