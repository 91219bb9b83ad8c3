import { ClickstreamError } from "clickstream/config";
import type { HourStatus } from "./journal.ts";
import { type Pipeline, unitOf } from "./pipeline.ts";
import { type Step, STEPS } from "./steps.ts";

/** How {@link runHour} runs. */
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
  const { journal } = pipeline;
  const attempts = (journal.hour(hour)?.attempts ?? 0) + 1;
  const since = options.now ?? Date.now();
  const started = performance.now();
  journal.setHour(hour, { state: "running", reason: "", attempts, since });
  try {
    const unit = unitOf([hour], attempts > 1);
    for (const step of STEPS) {
      await step.run(pipeline, unit);
      await options.afterStep?.(step);
    }
    journal.setHour(hour, { state: "succeeded" });
  } catch (error) {
    journal.setHour(hour, { state: "failed", reason: reasonOf(error) });
  }
  journal.setHour(hour, { ...countsOf(pipeline, hour), milliseconds: performance.now() - started });
  return journal.hour(hour)!;
}

function reasonOf(error: unknown): string {
  if (error instanceof ClickstreamError) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function countsOf(pipeline: Pipeline, hour: string) {
  const counts = { hits: 0, sales: 0, rejected: 0 };
  for (const file of pipeline.journal.filesOf(hour)) {
    counts[file.kind === "sales" ? "sales" : "hits"] += file.rows;
    counts.rejected += file.rejected;
  }
  return counts;
}
