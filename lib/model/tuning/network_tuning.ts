import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type pl from "nodejs-polars";
import { type BackendName, loadBackend } from "../backend.ts";
import { ModelError } from "../errors.ts";
import { encodeTable } from "../features/encode.ts";
import { fitPreprocessing } from "../features/fit.ts";
import type { Encoded } from "../features/preprocessing.ts";
import { DEFAULT_PARAMETERS, type NetworkParameters } from "../network/network.ts";
import type { LabelledInputs } from "../network/train.ts";
import { type Part, partsOf, type SplitFrames, thinned } from "../parts.ts";
import { rolesOf, type TrainingOptions } from "../training_options.ts";
import type { Point, Space } from "./space.ts";
import { runStudy, type Study, type Trial } from "./study.ts";
import { startWorkers } from "./worker_pool.ts";

/** The search space of the network. */
export const NETWORK_SPACE: Space = {
  layers: { kind: "quantised", low: 1, high: 3, step: 1 },
  width: { kind: "quantised", low: 32, high: 512, step: 32, log: true },
  dropout: { kind: "uniform", low: 0, high: 0.5 },
  learningRate: { kind: "logUniform", low: 1e-4, high: 3e-2 },
  l2: { kind: "logUniform", low: 1e-7, high: 1e-3 },
  classWeight: { kind: "logUniform", low: 1, high: 30 },
  batch: { kind: "choice", options: [256, 512, 1024, 2048, 4096] },
};

/** Passes after which the worse two thirds of the trials stop. */
export const RUNGS = [1, 3];

/** Options of {@link tuneNetwork}. */
export interface TuningOptions extends
  Pick<
    TrainingOptions,
    "label" | "keys" | "cartKeys" | "drop" | "seed" | "preprocessing"
  > {
  /** @default 50 */
  trials?: number;
  /** Trials at the same time, each in a worker of its own; 0 runs them here. @default the cores */
  workers?: number;
  /**
   * Rows of the seeded sample of carts, training and validation together; up to a third are
   * validation rows, as a loss from few positives misleads the search.
   * @default 60000 on the native backend, 45000 on WASM
   */
  rows?: number;
  /** Passes of a trial at most. @default 9 */
  epochs?: number;
  /** @default NETWORK_SPACE */
  space?: Space;
  /** File that keeps the study; found there, it is continued. */
  file?: string;
  onTrial?: (trial: Trial, best: Trial | null) => void | Promise<void>;
  signal?: AbortSignal;
}

/** What tuning found. */
export interface Tuning extends Study {
  /** The best trial's parameters, ready for {@link trainPropensity}. */
  parameters: Partial<NetworkParameters>;
  /** Rows of the sample. */
  rows: { train: number; validation: number };
  seconds: number;
}

/**
 * Tunes the network's parameters by TPE on a sample of carts; the loss is 1 - average precision on
 * the sample's validation rows. Test rows are never looked at.
 *
 * @throws {ModelError} fewer than two classes in the sample, or every trial failed
 */
export async function tuneNetwork(
  rows: pl.DataFrame | SplitFrames,
  options: TuningOptions = {},
): Promise<Tuning> {
  const start = performance.now();
  const { seed = 1, epochs = 9 } = options;
  const backend = await loadBackend();
  const parts = await partsOf(rows, rolesOf(options), seed);
  const limit = options.rows ?? (backend.name === "native" ? 60_000 : 45_000);
  const validation = thinned(parts.validation, Math.round(limit / 3), seed);
  const train = thinned(parts.train, limit - validation.labels.length, seed);
  for (const [name, { counts }] of [["training", train], ["validation", validation]] as const) {
    if (counts.positives > 0 && counts.positives < counts.rows) continue;
    throw new ModelError(
      `The sample's ${counts.rows} ${name} rows hold one class only; tune on more rows.`,
    );
  }
  const preprocessing = fitPreprocessing(train.table, options.preprocessing);
  const inputs = (part: Part): LabelledInputs => ({
    inputs: shared(encodeTable(preprocessing, part.table)),
    labels: sharedFloats(part.labels),
  });
  const workers = options.workers ?? navigator.hardwareConcurrency;
  const pool = startWorkers(workers, {
    backend: backend.name as BackendName,
    train: inputs(train),
    validation: inputs(validation),
  });
  try {
    const study = await runStudy(
      async (point, { seed, report }) =>
        await pool.run({
          parameters: parametersOf(point, epochs),
          seed,
          onEpoch: (epoch, averagePrecision) => report(epoch, 1 - averagePrecision),
        }),
      {
        space: options.space ?? NETWORK_SPACE,
        seed,
        rungs: RUNGS,
        ...(options.space === undefined ? { first: [usualPoint()] } : {}),
        workers: Math.max(1, workers),
        ...pick(options),
      },
    );
    return {
      ...study,
      parameters: tuned(study.best.point),
      rows: { train: train.counts.rows, validation: validation.counts.rows },
      seconds: (performance.now() - start) / 1000,
    };
  } finally {
    pool.close();
  }
}

/** Positive training rows below which the defaults are no worse a guess than a search. */
const FEWEST_TO_TUNE = 500;

/**
 * {@link tuneNetwork} where there are rows enough to tune on, else null: fewer than 500 positive
 * training rows, one class among validation rows, or no trials wanted. Makes the study's folder.
 *
 * @throws {ModelError} every trial failed
 */
export async function tuneFor(
  rows: pl.DataFrame | SplitFrames,
  options: TuningOptions = {},
): Promise<Tuning | null> {
  if (options.trials === 0) return null;
  const { train, validation } = await partsOf(rows, rolesOf(options), options.seed ?? 1);
  const { rows: all, positives } = validation.counts;
  if (train.counts.positives < FEWEST_TO_TUNE || positives < 20 || positives === all) return null;
  if (options.file !== undefined) await mkdir(dirname(options.file), { recursive: true });
  return await tuneNetwork(rows, options);
}

function pick({ trials, file, onTrial, signal }: TuningOptions) {
  return {
    ...(trials === undefined ? {} : { trials }),
    ...(file === undefined ? {} : { file }),
    ...(onTrial === undefined ? {} : { onTrial }),
    ...(signal === undefined ? {} : { signal }),
  };
}

function parametersOf(point: Point, epochs: number): NetworkParameters {
  return { ...DEFAULT_PARAMETERS, ...tuned(point), epochs };
}

/** The default parameters, which the first trial takes: what is found is never worse on the sample. */
function usualPoint(): Point {
  return Object.fromEntries(
    Object.keys(NETWORK_SPACE).map((name) => [
      name,
      DEFAULT_PARAMETERS[name as keyof NetworkParameters],
    ]),
  );
}

function tuned(point: Point): Partial<NetworkParameters> {
  return point as Partial<NetworkParameters>;
}

function shared(encoded: Encoded): Encoded {
  const slots = new Uint16Array(new SharedArrayBuffer(encoded.slots.byteLength));
  slots.set(encoded.slots);
  return { ...encoded, dense: sharedFloats(encoded.dense), slots };
}

/** A copy that workers read without a copy of their own. */
function sharedFloats(values: Float32Array): Float32Array {
  const copy = new Float32Array(new SharedArrayBuffer(values.byteLength));
  copy.set(values);
  return copy;
}
