import { existsSync } from "node:fs";
import { appendFile, readFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { ModelError } from "../errors.ts";
import { createRandom, deriveSeed } from "../random.ts";
import { writeWhole } from "../registry/files.ts";
import { checkSpace, type Point, type Space } from "./space.ts";
import { suggest, type TpeOptions } from "./tpe.ts";

/** One point that was tried. */
export interface Trial {
  /** Counted from 0. */
  number: number;
  point: Point;
  /** The lowest loss reported; null when the trial failed. */
  loss: number | null;
  state: "complete" | "stopped" | "failed";
  /** The losses reported on the way. */
  steps: { step: number; loss: number }[];
  seconds: number;
  /** Why it failed. */
  error?: string;
}

/** What an objective may use while it runs. */
export interface TrialContext {
  number: number;
  /** A seed of the trial's own, the same whenever the study is run. */
  seed: number;
  /** Tells the loss after a step; an answer of false asks to stop there. */
  report: (step: number, loss: number) => boolean;
}

/** Options of {@link runStudy}. */
export interface StudyOptions {
  space: Space;
  /** Trials in all, those found on disk included. @default 50 */
  trials?: number;
  /** Trials at the same time. @default 1 */
  workers?: number;
  /** @default 1 */
  seed?: number;
  /** JSON lines file that keeps the study; found there, it is continued. @default not kept */
  file?: string;
  sampler?: TpeOptions | "random";
  /** Points that the first trials take instead of the sampler's, as those known to be good. @default none */
  first?: Point[];
  /**
   * Steps after which the worse two thirds stop (successive halving, one trial after the other).
   * @default none
   */
  rungs?: number[];
  /** Called after every trial. */
  onTrial?: (trial: Trial, best: Trial | null) => void | Promise<void>;
  signal?: AbortSignal;
}

/** A finished study. */
export interface Study {
  trials: Trial[];
  best: Trial;
}

/**
 * Searches a space for the point with the lowest loss. What trial n tries follows from the seed and
 * from trials 0 to n - workers alone, so the same study gives the same points whichever worker is
 * faster, and after an interruption too.
 *
 * @param objective runs a trial and answers its loss; what it throws is kept with the trial
 * @throws {ModelError} the space is wrong, the file holds another study, or every trial failed
 */
export async function runStudy(
  objective: (point: Point, context: TrialContext) => Promise<number> | number,
  options: StudyOptions,
): Promise<Study> {
  checkSpace(options.space);
  const { trials: total = 50, workers = 1, seed = 1 } = options;
  const finished = new Map<number, Trial>();
  for (const trial of await openFile(options, seed)) finished.set(trial.number, trial);
  const waits = Array.from({ length: total }, () => Promise.withResolvers<void>());
  for (const number of finished.keys()) waits[number]?.resolve();
  let next = 0;
  const work = async () => {
    while (next < total && !options.signal?.aborted) {
      const number = next++;
      if (finished.has(number)) continue;
      await Promise.all(waits.slice(0, Math.max(0, number - workers + 1)).map((w) => w.promise));
      if (options.signal?.aborted) return waits[number]!.resolve();
      const known = [...finished.values()].filter((trial) => trial.number <= number - workers)
        .sort((a, b) => a.number - b.number);
      const trial = await runTrial(objective, options, number, known);
      finished.set(number, trial);
      if (options.file !== undefined) await appendFile(options.file, line(trial));
      waits[number]!.resolve();
      await options.onTrial?.(trial, bestOf(finished.values()));
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, total) }, work));
  options.signal?.throwIfAborted();
  const all = [...finished.values()].sort((a, b) => a.number - b.number);
  const best = bestOf(all);
  if (best === null) {
    throw new ModelError(`All ${all.length} trials failed; the first said: ${all[0]?.error}.`);
  }
  return { trials: all, best };
}

async function runTrial(
  objective: (point: Point, context: TrialContext) => Promise<number> | number,
  options: StudyOptions,
  number: number,
  known: Trial[],
): Promise<Trial> {
  const seed = deriveSeed(options.seed ?? 1, `trial ${number}`);
  const sampler = options.sampler === "random" ? { startup: Infinity } : options.sampler ?? {};
  const observations = known.filter(({ loss }) => loss !== null)
    .map(({ point, loss }) => ({ point, loss: loss! }));
  const point = options.first?.[number] ??
    suggest(options.space, observations, createRandom(seed), sampler);
  const trial: Trial = { number, point, loss: null, state: "complete", steps: [], seconds: 0 };
  const report = (step: number, loss: number) => {
    trial.steps.push({ step, loss });
    const goesOn = !options.rungs?.includes(step) || isAmongBest(known, trial, step);
    if (!goesOn) trial.state = "stopped";
    return goesOn;
  };
  const start = performance.now();
  try {
    const loss = await objective(point, { number, seed, report });
    if (!Number.isFinite(loss)) throw new ModelError(`The loss is ${loss}`);
    trial.loss = loss;
  } catch (error) {
    trial.state = "failed";
    trial.error = String((error as Error).message ?? error);
  }
  trial.seconds = (performance.now() - start) / 1000;
  return trial;
}

/** Whether a trial's best loss so far is in the lower third of those that came to this step. */
function isAmongBest(known: Trial[], trial: Trial, step: number): boolean {
  const lowest = ({ steps }: Trial) =>
    Math.min(...steps.filter((s) => s.step <= step).map(({ loss }) => loss));
  const others = known.filter(({ steps }) => steps.some((s) => s.step === step)).map(lowest);
  if (others.length < 3) return true;
  const better = others.filter((loss) => loss < lowest(trial)).length;
  return better < Math.ceil((others.length + 1) / 3);
}

function bestOf(trials: Iterable<Trial>): Trial | null {
  let best: Trial | null = null;
  for (const trial of trials) {
    if (trial.loss === null) continue;
    const lower = best === null || trial.loss < best.loss!;
    if (lower || (trial.loss === best!.loss && trial.number < best!.number)) best = trial;
  }
  return best;
}

/** The trials on file; a new file gets its first line. A torn last line is cut off. */
async function openFile(options: StudyOptions, seed: number): Promise<Trial[]> {
  const { file, space } = options;
  if (file === undefined) return [];
  const header = { study: 1, seed, space };
  if (!existsSync(file)) {
    await writeWhole(file, line(header));
    return [];
  }
  const text = await readFile(file, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const [first, ...trials] = whole.split("\n").filter((l) => l !== "").map((l, i) => {
    try {
      return JSON.parse(l);
    } catch (cause) {
      throw new ModelError(
        `The study ${file} is broken in line ${i + 1}; delete it to start anew.`,
        {
          cause,
        },
      );
    }
  });
  if (first === undefined || !isDeepStrictEqual(first, JSON.parse(JSON.stringify(header)))) {
    throw new ModelError(
      `The study ${file} searches another space or has another seed; take another file or delete it.`,
    );
  }
  if (whole.length < text.length) await writeWhole(file, whole);
  return trials as Trial[];
}

function line(value: unknown): string {
  return JSON.stringify(value) + "\n";
}
