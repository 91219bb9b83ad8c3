import { parseArgs } from "node:util";
import { ConfigError } from "clickstream/config";
import { parseHour } from "../hour.ts";
import { STEPS } from "../steps.ts";

/** What `--help` prints. */
export const HELP = `deno task marketing -- …
  --from YYYYMMDD_HH --to YYYYMMDD_HH   run these hours, on a simulated clock
  --all                                 run every hour of Online Retail, or of your own files
  --web-logs DIR --sales FILE [--align] take your own files instead of generated logs
  --seed N                              seed of the generated logs, or of the alignment
  --hours-at-once N                     run up to N ready hours together (10): catches up faster
  --watch                               wait for deliveries, hour by hour, until --to is over
  --step NAME                           one step only: ${STEPS.map(({ name }) => name).join(", ")}
  --mode data-debug                     show what each step made
  --mailing DIR --period PERIOD         write letters to the top spenders of a day (YYYYMMDD) or hour
    --contacts FILE                     CSV: userid, email, name, consent; only yes is written to
    [--suppression FILE]                CSV: email; nobody named there is written to
  --status                              show what is known of each hour`;

/** The command line's options. */
export type Options = ReturnType<typeof parse>;

function parse(args: string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  return parseArgs({
    args,
    options: {
      from: text,
      to: text,
      all: flag,
      "web-logs": text,
      sales: text,
      align: flag,
      seed: text,
      "hours-at-once": text,
      watch: flag,
      step: text,
      mode: text,
      mailing: text,
      period: text,
      contacts: text,
      suppression: text,
      status: flag,
      help: flag,
    },
  }).values;
}

/**
 * Reads the command line.
 *
 * @throws {ConfigError} says which option is wrong, and what it takes
 */
export function readOptions(args: string[]): Options {
  let options: Options;
  try {
    options = parse(args);
  } catch (cause) {
    throw new ConfigError(`${(cause as Error).message}\n${HELP}`, { cause });
  }
  if (options.help) return options;
  checkWords(options);
  checkNumbers(options);
  checkTask(options);
  return options;
}

function checkWords({ step, mode, from, to }: Options): void {
  if (step !== undefined && !STEPS.some(({ name }) => name === step)) {
    throw new ConfigError(
      `There is no step ${step}; they are ${STEPS.map(({ name }) => name).join(", ")}.`,
    );
  }
  if (mode !== undefined && mode !== "data-debug") {
    throw new ConfigError(`--mode is data-debug, not ${mode}.`);
  }
  for (const hour of [from, to]) if (hour !== undefined) parseHour(hour);
}

function checkNumbers({ seed, "hours-at-once": together }: Options): void {
  if (seed !== undefined && !/^\d{1,9}$/.test(seed)) {
    throw new ConfigError(`--seed is a whole number, not ${seed}.`);
  }
  if (together !== undefined && !/^[1-9]\d{0,3}$/.test(together)) {
    throw new ConfigError(`--hours-at-once is a whole number above 0, not ${together}.`);
  }
}

/** There must be one thing to do, with all that it needs. */
function checkTask(options: Options): void {
  if ((options["web-logs"] === undefined) !== (options.sales === undefined)) {
    throw new ConfigError("--web-logs and --sales go together: give both.");
  }
  const { mailing, period, contacts, suppression } = options;
  if (mailing !== undefined && (period === undefined || contacts === undefined)) {
    throw new ConfigError(
      "--mailing DIR needs --period YYYYMMDD (or an hour) and --contacts FILE.",
    );
  }
  if (mailing === undefined && (period ?? contacts ?? suppression) !== undefined) {
    throw new ConfigError("--period, --contacts and --suppression belong to --mailing DIR.");
  }
  if (period !== undefined) parseHour(period.length === 8 ? `${period}_00` : period);
  const span = options.from !== undefined && options.to !== undefined;
  if (span || options.all || options.status || mailing !== undefined) return;
  throw new ConfigError(`Say which hours: --from and --to, or --all.\n${HELP}`);
}
