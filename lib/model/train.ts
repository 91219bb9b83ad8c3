import type pl from "nodejs-polars";
import { type Backend, loadBackend } from "./backend.ts";
import { calibrated, type Calibration, fitIsotonic, fitPlatt } from "./calibration.ts";
import { ModelError } from "./errors.ts";
import { encodeTable } from "./features/encode.ts";
import { fitPreprocessing } from "./features/fit.ts";
import type { Preprocessing } from "./features/preprocessing.ts";
import type { RowCounts, TrainedModel } from "./model.ts";
import { logitsOfMany } from "./network/forward.ts";
import { mergeNetworks } from "./network/merge.ts";
import type { Network, NetworkParameters } from "./network/network.ts";
import { type Epoch, type LabelledInputs, parametersFor, trainNetwork } from "./network/train.ts";
import { type Part, type Parts, partsOf, type SplitFrames, thinned } from "./parts.ts";
import { fitRates, ratesOf } from "./rates.ts";
import { type Scores, scoreSummary } from "./scores/summary.ts";
import { bestThreshold } from "./scores/threshold.ts";
import { MOST_ROWS, rolesOf, type TrainingOptions } from "./training_options.ts";

/** Below this many positive rows no network is trained. */
export const FEWEST_POSITIVES = 50;

/**
 * Trains the purchase-propensity model.
 *
 * One frame is split by cart (80/10/10); or pass the parts. Early stopping, calibration and the
 * threshold see validation rows only; test rows are read once, at the end. All columns but label and
 * keys are features, whatever their number and type. With fewer than 50 positive rows the model is
 * the rate by last event type, and says so in `notes`.
 *
 * @throws {ModelError} no rows, a missing column, a label other than 0 or 1, no usable feature
 */
export async function trainPropensity(
  rows: pl.DataFrame | SplitFrames,
  options: TrainingOptions = {},
): Promise<TrainedModel> {
  const start = performance.now();
  const seed = options.seed ?? 1;
  const roles = rolesOf(options);
  const parts = await partsOf(rows, roles, seed);
  if (parts.train.labels.length === 0) throw new ModelError("There are no training rows.");
  const eventType = options.eventType ?? "event_type";
  const rates = fitRates(parts.train.table, parts.train.labels, eventType);
  const notes: string[] = [];
  const base = {
    format: 1 as const,
    label: roles.label,
    keys: [...roles.keys],
    seed,
    parameters: parametersFor(
      Math.min(parts.train.labels.length, options.maxTrainRows ?? MOST_ROWS),
      options.parameters,
    ),
    rates,
    rows: countsOf(parts),
    trainedAt: new Date().toISOString(),
    notes,
  };
  const rateScores = await scoreParts(parts, (part) => ratesOf(rates, part.table));
  const few = tooFew(parts);
  if (few !== null) {
    notes.push(few);
    return rateModel(base, rateScores, seconds(start));
  }
  const fitted = await fitModel(parts, base.parameters, options, notes);
  const scores = await scoreParts(parts, fitted.predict, fitted.threshold);
  const baselines: TrainedModel["baselines"] = { "rate by last event type": rateScores };
  if (options.baselines !== false) {
    baselines["logistic regression"] = await logisticScores(parts, fitted, seed);
  }
  return {
    ...base,
    kind: "network",
    features: fitted.preprocessing.columns.map(({ name }) => name),
    preprocessing: fitted.preprocessing,
    network: fitted.network,
    calibration: fitted.calibration,
    threshold: fitted.threshold,
    epochs: fitted.epochs,
    scores,
    baselines,
    backend: { name: fitted.backend.name, version: fitted.backend.version },
    trainSeconds: seconds(start),
  };
}

interface Fitted {
  backend: Backend;
  preprocessing: Preprocessing;
  network: Network;
  calibration: Calibration;
  threshold: number;
  epochs: Epoch[];
  train: LabelledInputs;
  validation: LabelledInputs;
  predict: (part: Part) => Promise<Float64Array>;
}

async function fitModel(
  parts: Parts,
  parameters: NetworkParameters,
  options: TrainingOptions,
  notes: string[],
): Promise<Fitted> {
  const seed = options.seed ?? 1;
  const backend = options.backend ?? await loadBackend();
  const used = thinned(parts.train, options.maxTrainRows ?? MOST_ROWS, seed);
  if (used !== parts.train) {
    notes.push(
      `Trained on ${used.counts.rows} of ${parts.train.counts.rows} training rows: ` +
        `whole carts were left out at random (seed ${seed}) to keep the time short.`,
    );
  }
  const preprocessing = fitPreprocessing(used.table, options.preprocessing);
  const inputsOf = (part: Part): LabelledInputs => ({
    inputs: encodeTable(preprocessing, part.table),
    labels: part.labels,
  });
  const train = inputsOf(used);
  const validation = stoppingRows(parts, train, inputsOf, notes);
  const { network, epochs } = await trainMembers(backend, train, validation, parameters, options);
  const logits = await logitsOfMany(backend.tf, network, validation.inputs);
  const calibration = fitCalibration(options.calibration, validation.labels, logits);
  const probabilities = logits.map((logit) => calibrated(calibration, logit));
  const predict = async (part: Part) => {
    const found = await logitsOfMany(backend.tf, network, encodeTable(preprocessing, part.table));
    return found.map((logit) => calibrated(calibration, logit));
  };
  const threshold = bestThreshold(validation.labels, probabilities);
  return {
    ...{ backend, preprocessing, network, epochs, calibration, threshold },
    ...{ train, validation, predict },
  };
}

/** Trains the members one after another; their passes follow each other. */
async function trainMembers(
  backend: Backend,
  train: LabelledInputs,
  validation: LabelledInputs,
  parameters: NetworkParameters,
  options: TrainingOptions,
): Promise<{ network: Network; epochs: Epoch[] }> {
  const networks: Network[] = [];
  const epochs: Epoch[] = [];
  for (let member = 0; member < parameters.members; member++) {
    const before = epochs.length;
    const trained = await trainNetwork(backend.tf, train, validation, {
      parameters,
      seed: (options.seed ?? 1) + 1_000_003 * member,
      onEpoch: (epoch) => {
        epochs.push({ ...epoch, epoch: before + epoch.epoch });
        return options.onEpoch?.(epochs[epochs.length - 1]!);
      },
    });
    networks.push(trained.network);
  }
  return { network: mergeNetworks(networks), epochs };
}

function fitCalibration(
  kind: TrainingOptions["calibration"],
  labels: ArrayLike<number>,
  logits: ArrayLike<number>,
): Calibration {
  if (kind === "none") return { kind };
  return kind === "isotonic" ? fitIsotonic(labels, logits) : fitPlatt(labels, logits);
}

/** Rows that stop and calibrate the training: validation, unless it holds one class only. */
function stoppingRows(
  parts: Parts,
  train: LabelledInputs,
  inputsOf: (part: Part) => LabelledInputs,
  notes: string[],
): LabelledInputs {
  const { rows, positives } = parts.validation.counts;
  if (positives > 0 && positives < rows) return inputsOf(parts.validation);
  notes.push(
    `The ${rows} validation rows hold one class only, so training stopped and was calibrated on ` +
      "its own rows; expect optimistic probabilities.",
  );
  return train;
}

async function logisticScores(
  parts: Parts,
  fitted: Fitted,
  seed: number,
): Promise<{ validation: Scores | null; test: Scores | null }> {
  const { tf } = fitted.backend;
  const rows = fitted.train.labels.length;
  const parameters = { ...parametersFor(rows), layers: 0, dropout: 0, learningRate: 0.01 };
  const { network } = await trainNetwork(tf, fitted.train, fitted.validation, { parameters, seed });
  const logits = await logitsOfMany(tf, network, fitted.validation.inputs);
  const calibration = fitPlatt(fitted.validation.labels, logits);
  const threshold = bestThreshold(
    fitted.validation.labels,
    logits.map((logit) => calibrated(calibration, logit)),
  );
  const predict = async (part: Part) => {
    const inputs = encodeTable(fitted.preprocessing, part.table);
    const found = await logitsOfMany(tf, network, inputs);
    return found.map((logit) => calibrated(calibration, logit));
  };
  return await scoreParts(parts, predict, threshold);
}

async function scoreParts(
  parts: Parts,
  predict: (part: Part) => Float64Array | Promise<Float64Array>,
  threshold?: number,
): Promise<{ validation: Scores | null; test: Scores | null }> {
  const onValidation = parts.validation.labels.length > 0 ? await predict(parts.validation) : null;
  const cut = threshold ??
    (onValidation === null ? 0.5 : bestThreshold(parts.validation.labels, onValidation));
  const { test } = parts;
  return {
    validation: onValidation && scoreSummary(parts.validation.labels, onValidation, cut),
    test: test === null || test.labels.length === 0
      ? null
      : scoreSummary(test.labels, await predict(test), cut),
  };
}

/** A sentence when the rows cannot carry a network, else null. */
function tooFew(parts: Parts): string | null {
  const all = [parts.train, parts.validation, ...(parts.test === null ? [] : [parts.test])];
  const rows = all.reduce((sum, part) => sum + part.counts.rows, 0);
  const positives = all.reduce((sum, part) => sum + part.counts.positives, 0);
  const instead = "so the model is the rate by last event type and no network was trained";
  if (positives < FEWEST_POSITIVES) {
    return `Only ${positives} of ${rows} rows are positive (${FEWEST_POSITIVES} are needed), ${instead}.`;
  }
  const { counts } = parts.train;
  if (counts.positives > 0 && counts.positives < counts.rows) return null;
  return `The training rows hold one class only, ${instead}.`;
}

type ModelBase = Pick<
  TrainedModel,
  "format" | "label" | "keys" | "seed" | "parameters" | "rates" | "rows" | "trainedAt" | "notes"
>;

function rateModel(
  base: ModelBase,
  scores: TrainedModel["scores"],
  trainSeconds: number,
): TrainedModel {
  return {
    ...base,
    kind: "rate",
    features: [base.rates.column],
    preprocessing: null,
    network: null,
    calibration: { kind: "none" },
    threshold: scores.validation?.threshold ?? 0.5,
    epochs: [],
    scores,
    baselines: {},
    backend: { name: "none", version: "" },
    trainSeconds,
  };
}

function countsOf(parts: Parts): RowCounts {
  return {
    train: parts.train.counts,
    validation: parts.validation.counts,
    test: parts.test?.counts ?? { rows: 0, positives: 0, carts: 0 },
  };
}

function seconds(start: number): number {
  return (performance.now() - start) / 1000;
}
