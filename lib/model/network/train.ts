import type { TensorFlow } from "../backend.ts";
import { ModelError } from "../errors.ts";
import type { Encoded } from "../features/preprocessing.ts";
import { createRandom, deriveSeed, type Random, shuffle } from "../random.ts";
import { averagePrecision } from "../scores/ranking.ts";
import { fillRow, forward, logitsOfMany } from "./forward.ts";
import { DEFAULT_PARAMETERS, layerSizes, type Network, type NetworkParameters } from "./network.ts";

/** What one pass over the training rows gave. */
export interface Epoch {
  epoch: number;
  /** Mean training loss of the pass (log loss, class weight included, L2 not). */
  loss: number;
  validationAveragePrecision: number;
  /** The best so far, whose weights are kept. */
  best: boolean;
  seconds: number;
}

/** Inputs and labels of some rows. */
export interface LabelledInputs {
  inputs: Encoded;
  labels: Float32Array;
}

/** Options of {@link trainNetwork}. */
export interface NetworkTraining {
  parameters: NetworkParameters;
  seed: number;
  /** Called after every pass; an answer of false stops training there. */
  onEpoch?: (epoch: Epoch) => boolean | void | Promise<boolean | void>;
}

/** A trained network with its passes. */
export interface TrainedNetwork {
  network: Network;
  epochs: Epoch[];
}

/**
 * Trains a dense network with Adam on weighted log loss and keeps the weights of the pass with the
 * best average precision on validation rows. Same seed, rows and backend: same weights.
 *
 * @throws {ModelError} the loss is no number any more (a learning rate far too high)
 */
export async function trainNetwork(
  tf: TensorFlow,
  train: LabelledInputs,
  validation: LabelledInputs,
  options: NetworkTraining,
): Promise<TrainedNetwork> {
  const { parameters } = options;
  const state = createState(tf, train, options);
  const epochs: Epoch[] = [];
  let best: { score: number; epoch: number; network: Network } | undefined;
  try {
    for (let epoch = 1; epoch <= parameters.epochs; epoch++) {
      const start = performance.now();
      const loss = await runEpoch(tf, state, train, parameters, epoch);
      const network = await weightsOf(state);
      const score = averagePrecision(
        validation.labels,
        await logitsOfMany(tf, network, validation.inputs),
      );
      const better = best === undefined || score > best.score;
      if (better) best = { score, epoch, network };
      const seconds = (performance.now() - start) / 1000;
      epochs.push({ epoch, loss, validationAveragePrecision: score, best: better, seconds });
      if (await options.onEpoch?.(epochs[epochs.length - 1]!) === false) break;
      if (epoch - best!.epoch >= parameters.patience) break;
    }
  } finally {
    disposeState(tf, state);
  }
  return { network: best!.network, epochs };
}

type Tensor = import("@tensorflow/tfjs").Tensor;
type Variable = import("@tensorflow/tfjs").Variable;

interface State {
  layers: { kernel: Variable; bias: Variable }[];
  optimizer: import("@tensorflow/tfjs").Optimizer;
  order: Uint32Array;
  random: Random;
  buffer: Float32Array;
  targets: Float32Array;
  weights: Float32Array;
}

function createState(tf: TensorFlow, train: LabelledInputs, options: NetworkTraining): State {
  const { parameters, seed } = options;
  const random = createRandom(deriveSeed(seed, "network"));
  const sizes = layerSizes(train.inputs.width, parameters);
  const layers = sizes.slice(1).map((outputs, i) => {
    const inputs = sizes[i]!;
    const last = i === sizes.length - 2;
    const spread = Math.sqrt((last ? 1 : 2) / inputs);
    const kernel = Float32Array.from({ length: inputs * outputs }, () => spread * random.normal());
    const bias = new Float32Array(outputs);
    if (last) bias[0] = startingLogit(train.labels, parameters.classWeight);
    return {
      kernel: tf.variable(tf.tensor2d(kernel, [inputs, outputs])),
      bias: tf.variable(tf.tensor1d(bias)),
    };
  });
  const order = Uint32Array.from(train.labels, (_, i) => i);
  const batch = batchSize(order.length, parameters.batch);
  return {
    layers,
    optimizer: tf.train.adam(parameters.learningRate),
    order,
    random,
    buffer: new Float32Array(batch * train.inputs.width),
    targets: new Float32Array(batch),
    weights: new Float32Array(batch),
  };
}

/**
 * The parameters for a number of rows: passes and patience grow for small tables, where the defaults
 * would end before the network has learnt; what is given stays.
 */
export function parametersFor(
  rows: number,
  given: Partial<NetworkParameters> = {},
): NetworkParameters {
  const parameters = { ...DEFAULT_PARAMETERS, ...given };
  const steps = Math.ceil(rows / batchSize(rows, parameters.batch));
  const epochs = given.epochs ??
    Math.min(60, Math.max(DEFAULT_PARAMETERS.epochs, Math.ceil(FEWEST_STEPS / steps)));
  const patience = given.patience ?? Math.max(DEFAULT_PARAMETERS.patience, Math.round(epochs / 6));
  return { ...parameters, epochs, patience };
}

const FEWEST_STEPS = 1500;

/** Rows a step: fewer than asked for when a pass would have less than 32 steps. */
function batchSize(rows: number, most: number): number {
  return Math.min(most, rows, Math.max(32, 2 ** Math.floor(Math.log2(rows / 32))));
}

/** The output starts at the log odds of the share of positives, so the first steps are not wasted. */
function startingLogit(labels: Float32Array, classWeight: number): number {
  let positives = 0;
  for (const label of labels) positives += label;
  const negatives = labels.length - positives;
  return Math.log((classWeight * positives + 0.5) / (negatives + 0.5));
}

async function runEpoch(
  tf: TensorFlow,
  state: State,
  train: LabelledInputs,
  parameters: NetworkParameters,
  epoch: number,
): Promise<number> {
  shuffle(state.order, state.random);
  setLearningRate(state, parameters, epoch);
  const batch = state.targets.length;
  let total = 0;
  let steps = 0;
  for (let from = 0; from < state.order.length; from += batch) {
    const rows = Math.min(batch, state.order.length - from);
    fillBatch(state, train, from, rows, parameters.classWeight);
    const cost = step(tf, state, train.inputs.width, rows, parameters);
    total += (await cost.data())[0]!;
    cost.dispose();
    steps++;
    if (Number.isNaN(total)) {
      throw new ModelError(
        `Training diverged in pass ${epoch}: try a learning rate below ${parameters.learningRate}.`,
      );
    }
  }
  return total / steps;
}

/** The step size falls along a half cosine to a tenth at the last pass. */
function setLearningRate(state: State, parameters: NetworkParameters, epoch: number): void {
  const share = parameters.epochs === 1 ? 0 : (epoch - 1) / (parameters.epochs - 1);
  const factor = 0.1 + 0.9 * (1 + Math.cos(Math.PI * share)) / 2;
  (state.optimizer as unknown as { learningRate: number }).learningRate = parameters.learningRate *
    factor;
}

function fillBatch(
  state: State,
  train: LabelledInputs,
  from: number,
  rows: number,
  classWeight: number,
): void {
  for (let i = 0; i < rows; i++) {
    const row = state.order[from + i]!;
    fillRow(train.inputs, row, state.buffer, i * train.inputs.width);
    const label = train.labels[row]!;
    state.targets[i] = label;
    state.weights[i] = label === 1 ? classWeight : 1;
  }
}

function step(
  tf: TensorFlow,
  state: State,
  width: number,
  rows: number,
  parameters: NetworkParameters,
): Tensor {
  return tf.tidy(() => {
    const batch = tf.tensor2d(state.buffer.slice(0, rows * width), [rows, width]);
    const targets = tf.tensor2d(state.targets.slice(0, rows), [rows, 1]);
    const weights = tf.tensor2d(state.weights.slice(0, rows), [rows, 1]);
    const variables = state.layers.flatMap(({ kernel, bias }) => [kernel, bias]);
    let cost: Tensor | undefined;
    const { grads } = tf.variableGrads(() => {
      const logits = forward(
        tf,
        batch,
        state.layers,
        dropper(tf, state.random, parameters.dropout),
      );
      const loss = weightedLogLoss(tf, targets, logits, weights);
      cost = tf.keep(loss);
      if (parameters.l2 === 0) return loss as import("@tensorflow/tfjs").Scalar;
      const squares = state.layers.map(({ kernel }) => tf.sum(tf.square(kernel)));
      return tf.add(loss, tf.mul(parameters.l2, tf.addN(squares)));
    }, variables);
    state.optimizer.applyGradients(grads);
    return cost!;
  });
}

/** Mean over rows of weight x (max(z, 0) - z y + log(1 + exp(-|z|))), safe for any log odds z. */
function weightedLogLoss(tf: TensorFlow, targets: Tensor, logits: Tensor, weights: Tensor): Tensor {
  const loss = tf.add(
    tf.sub(tf.relu(logits), tf.mul(logits, targets)),
    tf.log1p(tf.exp(tf.neg(tf.abs(logits)))),
  );
  return tf.mean(tf.mul(loss, weights));
}

/** Dropout by a mask of our own random stream: tfjs's is either unseeded or the same each step. */
function dropper(tf: TensorFlow, random: Random, share: number) {
  if (share === 0) return (hidden: Tensor) => hidden;
  const keep = 1 / (1 - share);
  return (hidden: Tensor) => {
    const mask = new Float32Array(hidden.size);
    for (let i = 0; i < mask.length; i++) mask[i] = random.next() < share ? 0 : keep;
    return tf.mul(hidden, tf.tensor(mask, hidden.shape));
  };
}

async function weightsOf(state: State): Promise<Network> {
  const layers = await Promise.all(state.layers.map(async ({ kernel, bias }) => ({
    inputs: kernel.shape[0]!,
    outputs: kernel.shape[1]!,
    kernel: (await kernel.data() as Float32Array).slice(),
    bias: (await bias.data() as Float32Array).slice(),
  })));
  return { layers };
}

function disposeState(tf: TensorFlow, state: State): void {
  for (const { kernel, bias } of state.layers) tf.dispose([kernel, bias]);
  state.optimizer.dispose();
}
