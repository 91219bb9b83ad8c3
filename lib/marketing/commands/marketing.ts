import { join } from "node:path";
import { acquireLock, loadConfig, runCommand } from "clickstream/config";
import { progress, table } from "clickstream/display";
import { simulatedClock } from "../clock.ts";
import { coordinate } from "../coordinator.ts";
import { deliverFiles } from "../deliver_files.ts";
import { generateLanding, ONLINE_RETAIL_HOURS } from "../generate/generate.ts";
import { HOUR_MS, hoursBetween, parseHour } from "../hour.ts";
import { isWhole, KINDS } from "../landing.ts";
import { writeMailing } from "../mailing/mailing.ts";
import { closePipeline, openPipeline, type Pipeline } from "../pipeline.ts";
import { runStepsAlone } from "../run_hour.ts";
import { showFrames, STEPS } from "../steps.ts";
import { assertTies } from "../ties.ts";
import { HELP, type Options, readOptions } from "./options.ts";

/** `deno task marketing`: runs the second pipeline. */
async function main(args: string[]): Promise<number> {
  const options = readOptions(args);
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
    if (options.mailing !== undefined) return await mail(pipeline, options.mailing, options);
    const span = await fillLanding(pipeline, options);
    return options.step === undefined && options.mode === undefined
      ? await runSpan(pipeline, span, options)
      : await runSteps(pipeline, span, options);
  } finally {
    await closePipeline(pipeline);
    lock.release();
  }
}

async function mail(pipeline: Pipeline, out: string, options: Options): Promise<number> {
  const { period = "", contacts = "", suppression } = options;
  const list = suppression === undefined ? {} : { suppression };
  const mailing = await writeMailing(pipeline, { out, period, contacts, ...list });
  await table([{ ...mailing }], { title: `Letters in ${out}: text, HTML, and mailing.csv` });
  return 0;
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

/** Hours that may wait, and are run together when all of them are ready. */
const THROTTLE = 10;

async function runSpan(pipeline: Pipeline, { from, to }: Span, options: Options): Promise<number> {
  const bar = progress("Hours", { total: hoursBetween(from, to).length, unit: "hours" });
  const hoursAtOnce = Number(options["hours-at-once"] ?? THROTTLE);
  const stop = stopOnInterrupt();
  let done = 0;
  try {
    await coordinate(pipeline, {
      from,
      to,
      hoursAtOnce,
      throttle: Math.max(THROTTLE, hoursAtOnce),
      ...(options.watch ? {} : { clock: simulatedClock(parseHour(to).getTime() + HOUR_MS) }),
      onHour: ({ date_ts, state }) => bar.update(++done, `${date_ts} ${state}`),
      signal: stop.signal,
    });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    stop.release();
    await bar.finish();
  }
  if (stop.signal.aborted) console.log("Stopped between two hours; the same command goes on.");
  const succeeded = await showRest(pipeline, { from, to });
  await table([{ ...await assertTies(pipeline) }], { title: "All counts tie" });
  return stop.signal.aborted ? 130 : succeeded ? 0 : 1;
}

/** The first Ctrl-C lets the hour that runs end; the next one does what it does everywhere. */
function stopOnInterrupt(): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const release = () => Deno.removeSignalListener("SIGINT", stop);
  const stop = () => {
    controller.abort();
    release();
  };
  Deno.addSignalListener("SIGINT", stop);
  return { signal: controller.signal, release };
}

/** Shows the hours of the span that did not succeed; whether there is none. */
async function showRest(pipeline: Pipeline, { from, to }: Span): Promise<boolean> {
  const rest = pipeline.journal.hours(["waiting", "timed out", "running", "failed"])
    .filter(({ date_ts }) => date_ts >= from && date_ts <= to);
  if (rest.length > 0) {
    await table(rest.map(({ date_ts, state, reason }) => ({ date_ts, state, reason })), {
      title: "Hours that did not succeed",
    });
  }
  return rest.length === 0;
}

async function runSteps(pipeline: Pipeline, { from, to }: Span, options: Options): Promise<number> {
  const steps = STEPS.filter(({ name }) => name === (options.step ?? name));
  for (const hour of hoursBetween(from, to)) {
    await runStepsAlone(pipeline, [hour], steps, async (step, milliseconds) => {
      console.log(`${hour} ${step.name}: ${Math.round(milliseconds)} ms`);
      if (options.mode === "data-debug") await showFrames(pipeline, step);
    });
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
