import { ClickstreamError } from "clickstream/config";
import type { HourStatus } from "./journal.ts";
import { type Pipeline, settle, type Unit, unitOf } from "./pipeline.ts";
import { type Step, STEPS } from "./steps.ts";

/** How {@link runHours} runs. */
export interface RunHourOptions {
  /** The coordinator's time, milliseconds since the epoch. @default the machine's */
  now?: number;
  /** Called after each step. @default nothing */
  afterStep?: (step: Step) => void | Promise<void>;
}

/**
 * Runs the steps of an hour. Whatever was begun before, killed or succeeded, is done anew with the
 * same result. What fails is kept in the journal with its reason and does not stop others.
 *
 * @returns the hour's status afterwards: `succeeded`, or `failed` with its reason
 */
export async function runHour(
  pipeline: Pipeline,
  hour: string,
  options: RunHourOptions = {},
): Promise<HourStatus> {
  return (await runHours(pipeline, [hour], options))[0]!;
}

/**
 * Runs the steps of several hours together, for catching up: the tables are those that the hours
 * one by one would give, for a fraction of the commits. When one of them fails, each is run alone.
 *
 * @returns the hours' statuses afterwards; `milliseconds` is an even share of what they took
 */
export async function runHours(
  pipeline: Pipeline,
  hours: readonly string[],
  options: RunHourOptions = {},
): Promise<HourStatus[]> {
  const { journal } = pipeline;
  const known = hours.map((hour) => journal.hour(hour)?.attempts ?? 0);
  const since = options.now ?? Date.now();
  const started = performance.now();
  hours.forEach((hour, index) =>
    journal.setHour(hour, { state: "running", reason: "", attempts: known[index]! + 1, since })
  );
  const reason = await runSteps(pipeline, hours, known.some((attempts) => attempts > 0), options);
  if (reason !== null && hours.length > 1) {
    const alone: HourStatus[] = [];
    for (const hour of hours) alone.push(await runHour(pipeline, hour, options));
    return alone;
  }
  const milliseconds = (performance.now() - started) / hours.length;
  return hours.map((hour) => {
    const state = reason === null ? "succeeded" : "failed";
    journal.setHour(hour, {
      ...countsOf(pipeline, hour),
      state,
      reason: reason ?? "",
      milliseconds,
    });
    return journal.hour(hour)!;
  });
}

/**
 * Runs some steps of hours together, and no others. The journal keeps that the hours were begun, so
 * that whoever runs them later reckons with what is there.
 *
 * @param afterStep called when what a step wrote is committed; `milliseconds` is what it took
 */
export async function runStepsAlone(
  pipeline: Pipeline,
  hours: readonly string[],
  steps: readonly Step[],
  afterStep: (step: Step, milliseconds: number) => void | Promise<void> = () => {},
): Promise<void> {
  const { journal } = pipeline;
  for (const hour of hours) {
    const { attempts, since } = journal.hour(hour) ?? { attempts: 0, since: Date.now() };
    journal.setHour(hour, { attempts: attempts + 1, since });
  }
  const unit = unitOf(hours);
  for (const step of steps) {
    const started = performance.now();
    await step.run(pipeline, unit);
    await settle(pipeline);
    await afterStep(step, performance.now() - started);
  }
}

/** Runs all steps; gives why they failed, or null. */
async function runSteps(
  pipeline: Pipeline,
  hours: readonly string[],
  again: boolean,
  options: RunHourOptions,
): Promise<string | null> {
  try {
    const unit = unitOf(hours, again);
    for (const step of STEPS) {
      if (bringsNothing(unit) && step.name !== "clean_up") continue;
      await step.run(pipeline, unit);
      await options.afterStep?.(step);
    }
    return null;
  } catch (error) {
    await settle(pipeline).catch(() => {});
    if (error instanceof ClickstreamError) return error.message;
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

function bringsNothing({ brought }: Unit): boolean {
  return brought !== null && brought.hits + brought.sales === 0;
}

function countsOf(pipeline: Pipeline, hour: string) {
  const counts = { hits: 0, sales: 0, rejected: 0 };
  for (const file of pipeline.journal.filesOf(hour)) {
    counts[file.kind === "sales" ? "sales" : "hits"] += file.rows;
    counts.rejected += file.rejected;
  }
  return counts;
}
