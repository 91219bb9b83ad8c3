import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { ConfigError } from "clickstream/config";

/** What can be asked of RUNME, as read from its command line. */
export interface RunmeOptions {
  /** Where the events come from: a named source, or the absolute path of a file. */
  data?: string | undefined;
  /** Synthetic events: a number, or `full`. */
  size?: number | "full" | undefined;
  /** Moment at which history ends, ISO 8601. */
  cutoff?: string | undefined;
  /** Names of columns and event types in a file of one's own: `event_type=action,…`. */
  map?: string | undefined;
  only?: string[] | undefined;
  from?: string | undefined;
  /** Id of the run to repair. */
  resume?: string | undefined;
  /** How many times faster than real time the replay runs, or `max`. */
  speed?: number | "max" | undefined;
  /** Values for parameters cells, as written. */
  parameters: Record<string, string>;
  profile?: "local" | "azure" | undefined;
  list: boolean;
  help: boolean;
}

/** The options, in the order of the help: name, what it takes, what it does. */
export const OPTION_HELP: [string, string, string][] = [
  [
    "data",
    "SOURCE",
    "synthetic (default), sample, electronics, or the path of a .csv, .csv.gz or .zip",
  ],
  ["size", "N|full", "synthetic events: default 200000, full 885129"],
  ["cutoff", "TIME", "history ends here (ISO 8601); default by data source"],
  ["map", "COL=NAME,…", "columns and event types of a file of your own, as event_type=action"],
  ["only", "TASK,…", "run only these tasks (2a is short for 2a_generate_live_events)"],
  ["from", "TASK", "run this task and all that wait for it"],
  [
    "resume",
    "RUN_ID",
    "repair a run: its failed tasks and those after them (latest: the last run)",
  ],
  ["speed", "N|max", "replay N times faster than real time; default max"],
  ["param", "NAME=VALUE", "set a parameter of the notebooks; may be repeated"],
  ["profile", "local|azure", "local starts what it needs; azure uses the services named in .env"],
  ["list", "", "print the tasks without running them"],
  ["help", "", "print this"],
];

const SOURCES = ["synthetic", "sample", "electronics"];

/**
 * Reads RUNME's command line.
 *
 * @param directory what paths are relative to
 * @throws {ConfigError} one sentence on the first thing that is wrong
 */
export function readOptions(args: readonly string[], directory: string = Deno.cwd()): RunmeOptions {
  const given = parse(args[0] === "--" ? args.slice(1) : [...args]);
  return {
    data: given.data === undefined ? undefined : readSource(given.data, directory),
    size: given.size === undefined ? undefined : readSize(given.size),
    cutoff: given.cutoff === undefined ? undefined : readCutoff(given.cutoff),
    map: given.map,
    only: given.only?.split(",").map((name) => name.trim()).filter((name) => name !== ""),
    from: given.from,
    resume: given.resume,
    speed: given.speed === undefined ? undefined : readSpeed(given.speed),
    parameters: readParameters(given.param ?? []),
    profile: readProfile(given.profile),
    list: given.list ?? false,
    help: given.help ?? false,
  };
}

function parse(args: string[]) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        data: { type: "string" },
        size: { type: "string" },
        cutoff: { type: "string" },
        map: { type: "string" },
        only: { type: "string" },
        from: { type: "string" },
        resume: { type: "string" },
        speed: { type: "string" },
        param: { type: "string", multiple: true },
        profile: { type: "string" },
        list: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (positionals.length > 0) throw unknown(positionals[0]!);
    return values;
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw wrongOption(args, cause);
  }
}

/** One sentence for whatever parseArgs turned down. */
function wrongOption(args: string[], cause: unknown): ConfigError {
  const names = OPTION_HELP.map(([name]) => name);
  for (const arg of args) {
    const name = /^--?([^=]+)/.exec(arg)?.[1];
    if (name !== undefined && !names.includes(name) && name !== "h") return unknown(arg);
  }
  const [name, takes] = OPTION_HELP.find(([name]) => String(cause).includes(`--${name}`)) ?? [];
  return new ConfigError(
    name === undefined
      ? `The options cannot be read: ${(cause as Error).message}`
      : takes === ""
      ? `Option --${name} takes no value.`
      : `Option --${name} needs a value: --${name} ${takes}.`,
    { cause },
  );
}

function unknown(arg: string): ConfigError {
  const names = OPTION_HELP.map(([name]) => `--${name}`).join(", ");
  return new ConfigError(`There is no option "${arg.split("=")[0]}"; the options are ${names}.`);
}

function readSource(text: string, directory: string): string {
  if (SOURCES.includes(text)) return text;
  const path = resolve(directory, text);
  if (existsSync(path) && Deno.statSync(path).isFile) return path;
  throw new ConfigError(
    `--data is ${SOURCES.join(", ")} or the path of a file, and there is no file at ${path}.`,
  );
}

function readSize(text: string): number | "full" {
  if (text === "full") return text;
  const size = Number(text.replaceAll("_", ""));
  if (Number.isInteger(size) && size > 0) return size;
  throw new ConfigError(`--size takes a whole number of events above 0, or full, not "${text}".`);
}

function readCutoff(text: string): string {
  const zoned = /[zZ]$|[+-]\d\d:?\d\d$/.test(text) || !text.includes("T") ? text : `${text}Z`;
  const time = new Date(zoned);
  if (!Number.isNaN(time.getTime())) return time.toISOString();
  throw new ConfigError(`--cutoff takes a time as 2021-02-01T00:00:00Z, not "${text}".`);
}

function readSpeed(text: string): number | "max" {
  if (text === "max") return text;
  const speed = Number(text);
  if (Number.isFinite(speed) && speed > 0) return speed;
  throw new ConfigError(`--speed takes a number above 0, or max, not "${text}".`);
}

function readProfile(text: string | undefined): "local" | "azure" | undefined {
  if (text === undefined || text === "local" || text === "azure") return text;
  throw new ConfigError(`--profile is local or azure, not "${text}".`);
}

function readParameters(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(texts.map((text) => {
    const at = text.indexOf("=");
    if (at <= 0) throw new ConfigError(`--param takes name=value, not "${text}".`);
    return [text.slice(0, at), text.slice(at + 1)];
  }));
}
