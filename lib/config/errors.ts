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

/**
 * Runs the body of a command-line entry point: a {@link ClickstreamError} is printed as one
 * sentence and exits 1; any other error is a defect and keeps its stack trace.
 */
export async function runCommand(main: (args: string[]) => Promise<number | void>): Promise<void> {
  const args = Deno.args[0] === "--" ? Deno.args.slice(1) : [...Deno.args];
  try {
    Deno.exitCode = (await main(args)) ?? 0;
  } catch (error) {
    if (error instanceof ClickstreamError) console.error(`${error.name}: ${error.message}`);
    else console.error(error);
    Deno.exitCode = 1;
  }
}
