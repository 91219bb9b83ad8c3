import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type pl from "nodejs-polars";
import { ModelError } from "../errors.ts";
import { evaluateScores, type SegmentScores } from "../evaluate.ts";
import type { TrainedModel } from "../model.ts";
import type { NetworkParameters } from "../network/network.ts";
import { toJson, writeWhole } from "../registry/files.ts";
import { scoreFrame } from "../score.ts";
import type { BootstrappedScores } from "../scores/bootstrap.ts";
import { CART_KEYS } from "../split.ts";
import { trainBest } from "../train_best.ts";
import { tuneFor, type Tuning } from "../tuning/network_tuning.ts";
import type { Trial } from "../tuning/study.ts";

/** Options of {@link trainOnRows}. */
export interface RowsTrainingOptions {
  /** Folder with train.parquet, validation.parquet and test.parquet. */
  rows: string;
  /** The column of 0 and 1 to predict. */
  label: string;
  /** Columns to leave out. @default none */
  drop?: string[];
  /** Tuning trials; 0 takes the default parameters. @default 50 */
  trials?: number;
  /** Where predictions.parquet, report.json and study.jsonl go. @default the folder of the rows */
  out?: string;
  /** @default 1 */
  seed?: number;
  /** Parameters that hold whatever tuning finds, such as fewer passes. @default none */
  parameters?: Partial<NetworkParameters>;
  /** Told what happens, a line at a time. */
  onProgress?: (line: string) => void;
}

/** What report.json holds. */
export interface RowsReport {
  label: string;
  rows: TrainedModel["rows"];
  features: string[];
  dropped: { name: string; reason: string }[];
  leftOut: string[];
  parameters: TrainedModel["parameters"];
  tuning: { trials: number; stopped: number; failed: number; seconds: number } | null;
  epochs: TrainedModel["epochs"];
  calibration: string;
  threshold: number;
  scores: TrainedModel["scores"];
  baselines: TrainedModel["baselines"];
  /** Of the test rows; null when they carry no label. */
  intervals: BootstrappedScores | null;
  segments: SegmentScores[];
  backend: TrainedModel["backend"];
  seed: number;
  seconds: number;
  notes: string[];
}

/**
 * Tunes and trains on any rows already split, and writes predictions.parquet (column p, in the order
 * of test.parquet) and report.json. The same code as notebook 1b; an interrupted tuning goes on.
 *
 * @throws {ModelError} a file or column is missing, or the rows cannot be learnt from
 */
export async function trainOnRows(options: RowsTrainingOptions): Promise<RowsReport> {
  const start = performance.now();
  const { trials = 50, seed = 1, out = options.rows, onProgress: say = () => {} } = options;
  const { default: polars } = await import("nodejs-polars");
  const frames = readFrames(polars, options);
  await mkdir(out, { recursive: true });
  const roles = rolesOfRows(frames.train, options);
  const { test, ...learnt } = frames;
  const tuning = await tuneFor(learnt, {
    ...{ ...roles, trials, seed, file: join(out, "study.jsonl") },
    onTrial: (trial, best) => say(trialLine(trial, best, trials)),
  });
  const labelled = test.columns.includes(options.label);
  const model = await trainBest(labelled ? { ...learnt, test } : learnt, tuning?.parameters, {
    ...{ ...roles, seed, maxTrainRows: Infinity, parameters: options.parameters ?? {} },
    onCandidate: ({ name, averagePrecision }) =>
      say(`${name}: validation average precision ${averagePrecision.toFixed(4)}`),
    onEpoch: ({ epoch, validationAveragePrecision }) =>
      say(`pass ${epoch}: validation average precision ${validationAveragePrecision.toFixed(4)}`),
  });
  const p = await scoreFrame(model, test);
  const evaluation = labelled
    ? await evaluateScores(test, p, { ...roles, threshold: model.threshold, seed })
    : null;
  const report: RowsReport = {
    ...reportOf(model, tuning),
    leftOut: [...roles.drop, ...roles.keys].filter((name) => frames.train.columns.includes(name)),
    intervals: evaluation?.intervals ?? null,
    segments: evaluation?.segments ?? [],
    seconds: (performance.now() - start) / 1000,
  };
  polars.DataFrame({ p: polars.Series("p", p, polars.Float64) }).writeParquet(
    join(out, "predictions.parquet"),
  );
  await writeWhole(join(out, "report.json"), toJson(report));
  return report;
}

function readFrames(polars: typeof pl, options: RowsTrainingOptions) {
  const read = (part: string) => {
    const file = join(options.rows, `${part}.parquet`);
    if (!existsSync(file)) {
      throw new ModelError(
        `${file} is missing: ${options.rows} must hold train, validation and test.parquet.`,
      );
    }
    try {
      return polars.readParquet(file);
    } catch (cause) {
      throw new ModelError(`${file} cannot be read as parquet; write it again.`, { cause });
    }
  };
  const frames = { train: read("train"), validation: read("validation"), test: read("test") };
  for (const name of options.drop ?? []) {
    if (frames.train.columns.includes(name)) continue;
    throw new ModelError(`--drop names ${name}, which train.parquet does not have.`);
  }
  return frames;
}

/** In rows of our own shape the keys are left out; in any other table every column is a feature. */
function rolesOfRows(train: pl.DataFrame, options: RowsTrainingOptions) {
  const isOurs = CART_KEYS.every((key) => train.columns.includes(key));
  return {
    label: options.label,
    keys: isOurs ? [...CART_KEYS, "product_id"] : [],
    cartKeys: isOurs ? CART_KEYS : [],
    drop: options.drop ?? [],
  };
}

function reportOf(model: TrainedModel, tuning: Tuning | null) {
  const count = (state: string) => tuning!.trials.filter((trial) => trial.state === state).length;
  return {
    label: model.label,
    rows: model.rows,
    features: model.features,
    dropped: model.preprocessing?.dropped ?? [],
    parameters: model.parameters,
    tuning: tuning === null ? null : {
      trials: tuning.trials.length,
      stopped: count("stopped"),
      failed: count("failed"),
      seconds: tuning.seconds,
    },
    epochs: model.epochs,
    calibration: model.calibration.kind,
    threshold: model.threshold,
    scores: model.scores,
    baselines: model.baselines,
    backend: model.backend,
    seed: model.seed,
    notes: model.notes,
  };
}

function trialLine(trial: Trial, best: Trial | null, total: number): string {
  const found = trial.loss === null ? trial.error ?? "failed" : (1 - trial.loss).toFixed(4);
  const top = best === null ? "none" : (1 - best.loss!).toFixed(4);
  return `trial ${trial.number + 1} of ${total}: ${found} (${trial.state}), best ${top}`;
}
