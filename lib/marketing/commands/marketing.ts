import { join } from "node:path";
import { parseArgs } from "node:util";
import { acquireLock, ConfigError, loadConfig, runCommand } from "clickstream/config";
import { progress, table } from "clickstream/display";
import { simulatedClock } from "../clock.ts";
import { coordinate } from "../coordinator.ts";
import { deliverFiles } from "../deliver_files.ts";
import { generateLanding, ONLINE_RETAIL_HOURS } from "../generate/generate.ts";
import { HOUR_MS, hoursBetween, parseHour } from "../hour.ts";
import { isWhole, KINDS } from "../landing.ts";
import { closePipeline, openPipeline, type Pipeline, unitOf } from "../pipeline.ts";
import { showFrames, STEPS } from "../steps.ts";
import { assertTies } from "../ties.ts";

const HELP = `deno task marketing -- …
  --from YYYYMMDD_HH --to YYYYMMDD_HH   run these hours, on a simulated clock
  --all                                 run every hour of Online Retail, or of your own files
  --web-logs DIR --sales FILE [--align] take your own files instead of generated logs
  --seed N                              seed of the generated logs, or of the alignment
  --hours-at-once N                     run up to N ready hours together: catches up faster
  --watch                               wait for deliveries, hour by hour, until --to is over
  --step NAME                           one step only: ${STEPS.map(({ name }) => name).join(", ")}
  --mode data-debug                     show what each step made
  --status                              show what is known of each hour`;

type Options = ReturnType<typeof read>;

/** `deno task marketing`: runs the second pipeline. */
async function main(args: string[]): Promise<number> {
  const options = read(args);
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const config = loadConfig();
  const lock = acquireLock(join(config.home, "marketing", "lock"), {
    what: "the marketing pipeline",
  });
  const pipeline = await openPipeline(config);
  try {
    if (options.status) return await showStatus(pipeline);
    const span = await fillLanding(pipeline, options);
    return options.step === undefined && options.mode === undefined
      ? await runSpan(pipeline, span, options)
      : await runSteps(pipeline, span, options);
  } finally {
    await closePipeline(pipeline);
    lock.release();
  }
}

function read(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        from: { type: "string" },
        to: { type: "string" },
        all: { type: "boolean" },
        "web-logs": { type: "string" },
        sales: { type: "string" },
        align: { type: "boolean" },
        seed: { type: "string" },
        "hours-at-once": { type: "string" },
        watch: { type: "boolean" },
        step: { type: "string" },
        mode: { type: "string" },
        status: { type: "boolean" },
        help: { type: "boolean" },
      },
    });
    check(values);
    return values;
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`${(cause as Error).message}\n${HELP}`, { cause });
  }
}

function check(values: { [name: string]: string | boolean | undefined }): void {
  if (values.step !== undefined && !STEPS.some(({ name }) => name === values.step)) {
    throw new ConfigError(
      `There is no step ${values.step}; they are ${STEPS.map(({ name }) => name).join(", ")}.`,
    );
  }
  if (values.mode !== undefined && values.mode !== "data-debug") {
    throw new ConfigError(`--mode is data-debug, not ${values.mode}.`);
  }
  if ((values["web-logs"] === undefined) !== (values.sales === undefined)) {
    throw new ConfigError("--web-logs and --sales go together: give both.");
  }
  if (values.seed !== undefined && !/^\d{1,9}$/.test(String(values.seed))) {
    throw new ConfigError(`--seed is a whole number, not ${values.seed}.`);
  }
  const together = values["hours-at-once"];
  if (together !== undefined && !/^[1-9]\d{0,3}$/.test(String(together))) {
    throw new ConfigError(`--hours-at-once is a whole number above 0, not ${together}.`);
  }
  for (const hour of [values.from, values.to]) if (hour !== undefined) parseHour(String(hour));
  const span = values.from !== undefined && values.to !== undefined;
  if (!span && !values.all && !values.status && !values.help) {
    throw new ConfigError(`Say which hours: --from and --to, or --all.\n${HELP}`);
  }
}

interface Span {
  from: string;
  to: string;
}

/** Puts files of one's own, or generated ones, into the landing zone where nothing is yet. */
async function fillLanding(pipeline: Pipeline, options: Options): Promise<Span> {
  const seed = Number(options.seed ?? 1);
  if (options["web-logs"] !== undefined && options.sales !== undefined) {
    const { "web-logs": webLogs, sales, align = false } = options;
    const delivered = await deliverFiles(pipeline, { webLogs, sales, align, seed });
    await table([{ ...delivered }], { title: "Delivered" });
    return { from: options.from ?? delivered.from, to: options.to ?? delivered.to };
  }
  const { from = ONLINE_RETAIL_HOURS.from, to = ONLINE_RETAIL_HOURS.to } = options;
  const landed = hoursBetween(from, to).every((hour) =>
    KINDS.every((kind) => isWhole(pipeline.landing, hour, kind))
  );
  if (options.watch || landed) return { from, to };
  const bar = progress("Generating web logs", { unit: "hours" });
  const connection = await pipeline.lake.connect();
  const truth = join(pipeline.folder, "truth");
  await generateLanding(connection, {
    landing: pipeline.landing,
    truth,
    from,
    to,
    seed,
    onProgress: (hours) => bar.update(hours),
  });
  connection.closeSync();
  await bar.finish();
  return { from, to };
}

async function runSpan(pipeline: Pipeline, { from, to }: Span, options: Options): Promise<number> {
  const total = hoursBetween(from, to).length;
  const bar = progress("Hours", { total, unit: "hours" });
  const hoursAtOnce = Number(options["hours-at-once"] ?? 1);
  let done = 0;
  const statuses = await coordinate(pipeline, {
    from,
    to,
    hoursAtOnce,
    throttle: Math.max(10, hoursAtOnce),
    ...(options.watch ? {} : { clock: simulatedClock(parseHour(to).getTime() + HOUR_MS) }),
    onHour: ({ date_ts, state }) => bar.update(++done, `${date_ts} ${state}`),
  });
  await bar.finish();
  const open = statuses.filter(({ state }) => state !== "succeeded");
  if (open.length > 0) {
    await table(open.map(({ date_ts, state, reason }) => ({ date_ts, state, reason })), {
      title: "Hours that did not succeed",
    });
  }
  await table([{ ...await assertTies(pipeline) }], { title: "All counts tie" });
  return open.length === 0 ? 0 : 1;
}

async function runSteps(pipeline: Pipeline, { from, to }: Span, options: Options): Promise<number> {
  for (const hour of hoursBetween(from, to)) {
    const unit = unitOf([hour]);
    for (const step of STEPS.filter(({ name }) => name === (options.step ?? name))) {
      const started = performance.now();
      await step.run(pipeline, unit);
      console.log(`${hour} ${step.name}: ${Math.round(performance.now() - started)} ms`);
      if (options.mode === "data-debug") await showFrames(pipeline, step);
    }
  }
  return 0;
}

async function showStatus(pipeline: Pipeline): Promise<number> {
  const hours = pipeline.journal.hours();
  await table(
    hours.slice(-200).map(({ since, milliseconds, ...rest }) => ({
      ...rest,
      since: new Date(since).toISOString(),
      milliseconds: Math.round(milliseconds),
    })),
    { title: `The newest of ${hours.length} hours`, limit: 200 },
  );
  return 0;
}

if (import.meta.main) await runCommand(main);
