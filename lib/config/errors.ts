/** Base of every error that a person can cause or mend: one sentence that says what happened, where, and what to do. */
export class ClickstreamError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A setting, option or environment variable is missing or wrong. */
export class ConfigError extends ClickstreamError {}

/** Something looked up by name, key or path does not exist. */
export class NotFoundError extends ClickstreamError {}

/** Another process holds what this one needs (a home, a port). */
export class BusyError extends ClickstreamError {}

/** The first line of what was thrown, to be put into a sentence of ours. */
export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message.split("\n")[0]!.trim() : String(cause);
}

/**
 * Runs the body of a command-line entry point and ends the process: with the code it returns, or
 * with 1 after printing a {@link ClickstreamError} as one sentence; any other error is a defect and
 * keeps its stack trace.
 *
 * The process is ended by hand because native libraries (DuckDB in Deno 2.8.0) now and then crash
 * while a process winds down by itself.
 */
export async function runCommand(main: (args: string[]) => Promise<number | void>): Promise<never> {
  const args = Deno.args[0] === "--" ? Deno.args.slice(1) : [...Deno.args];
  let code = 1;
  try {
    code = (await main(args)) ?? 0;
  } catch (error) {
    if (error instanceof ClickstreamError) console.error(`${error.name}: ${error.message}`);
    else console.error(error);
  }
  Deno.exit(code);
}
