import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { ModelError } from "../errors.ts";

/**
 * Reads the options of a command line.
 *
 * @param usage one line that shows the options, given when they are wrong
 * @throws {ModelError} an unknown option or a missing value
 */
export function readOptions<T extends ParseArgsOptionsConfig>(
  args: string[],
  options: T,
  usage: string,
): Record<string, string | boolean | undefined> {
  try {
    const { values } = parseArgs({ args, options, strict: true, allowPositionals: false });
    return values as Record<string, string | boolean | undefined>;
  } catch (cause) {
    const [sentence] = (cause as Error).message.split(". ");
    throw new ModelError(`${sentence}. Usage: ${usage}`, { cause });
  }
}

/**
 * A whole number out of an option's text.
 *
 * @throws {ModelError} it is none, or below `least`
 */
export function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new ModelError(`--${name} must be a whole number from ${least} on; it is ${text}.`);
}
