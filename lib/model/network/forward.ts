import type { Encoded } from "../features/preprocessing.ts";
import type { TensorFlow } from "../backend.ts";
import type { DenseLayer, Network } from "./network.ts";

/** Up to this many rows plain loops are faster than tensors. */
export const FEW_ROWS = 64;

const CHUNK = 8192;

/** Log odds of few rows, by plain loops over the weights: no tensor, no await. */
export function logitsOfFew(network: Network, inputs: Encoded): Float64Array {
  const logits = new Float64Array(inputs.rows);
  for (let row = 0; row < inputs.rows; row++) logits[row] = logitOf(network, inputs, row);
  return logits;
}

/** Log odds of many rows, in chunks through TensorFlow. */
export async function logitsOfMany(
  tf: TensorFlow,
  network: Network,
  inputs: Encoded,
): Promise<Float64Array> {
  const logits = new Float64Array(inputs.rows);
  const layers = network.layers.map(({ inputs, outputs, kernel, bias }) => ({
    kernel: tf.tensor2d(kernel, [inputs, outputs]),
    bias: tf.tensor1d(bias),
  }));
  const buffer = new Float32Array(Math.min(CHUNK, inputs.rows) * inputs.width);
  try {
    for (let from = 0; from < inputs.rows; from += CHUNK) {
      const rows = Math.min(CHUNK, inputs.rows - from);
      fillRange(inputs, from, rows, buffer);
      const out = tf.tidy(() =>
        forward(
          tf,
          tf.tensor2d(buffer.subarray(0, rows * inputs.width), [rows, inputs.width]),
          layers,
        )
      );
      logits.set(await out.data() as Float32Array, from);
      out.dispose();
    }
  } finally {
    for (const { kernel, bias } of layers) tf.dispose([kernel, bias]);
  }
  return logits;
}

type Tensor = import("@tensorflow/tfjs").Tensor;

/** The layers' tensors applied to a batch of inputs; `drop` stands between hidden layers. */
export function forward(
  tf: TensorFlow,
  batch: Tensor,
  layers: { kernel: Tensor; bias: Tensor }[],
  drop: (hidden: Tensor, layer: number) => Tensor = (hidden) => hidden,
): Tensor {
  let hidden = batch;
  layers.forEach(({ kernel, bias }, i) => {
    const sum = tf.add(product(tf, hidden, kernel, i === 0), bias);
    hidden = i === layers.length - 1 ? sum : drop(tf.relu(sum), i);
  });
  return hidden;
}

/**
 * The matrix product with a gradient of our own: the WASM backend multiplies a transposed matrix 10 to
 * 30 times slower than it transposes first. A batch of data (`isData`) gets no gradient.
 */
function product(tf: TensorFlow, batch: Tensor, kernel: Tensor, isData: boolean): Tensor {
  const forKernel = (rows: Tensor, slope: Tensor) => matMul(tf, tf.transpose(rows), slope);
  if (isData) {
    return tf.customGrad((weights) => ({
      value: matMul(tf, batch, weights as Tensor),
      gradFunc: (slope: Tensor) => forKernel(batch, slope),
    }))(kernel);
  }
  return tf.customGrad((rows, weights, save) => {
    (save as GradSaver)([rows as Tensor, weights as Tensor]);
    return {
      value: matMul(tf, rows as Tensor, weights as Tensor),
      gradFunc: (slope: Tensor, [savedRows, savedWeights]: Tensor[]) => [
        matMul(tf, slope, tf.transpose(savedWeights!)),
        forKernel(savedRows!, slope),
      ],
    };
  })(batch, kernel);
}

type GradSaver = (tensors: Tensor[]) => void;

function matMul(tf: TensorFlow, a: Tensor, b: Tensor): Tensor {
  return tf.matMul(a as import("@tensorflow/tfjs").Tensor2D, b as never);
}

/** Writes rows `from` … of the inputs, one-hot spread out, into `out`. */
function fillRange(inputs: Encoded, from: number, rows: number, out: Float32Array): void {
  for (let i = 0; i < rows; i++) fillRow(inputs, from + i, out, i * inputs.width);
}

/** Writes one row of inputs, one-hot spread out, at `at`. */
export function fillRow(inputs: Encoded, row: number, out: Float32Array, at: number): void {
  const { dense, denseWidth, slots, slotsPerRow, width } = inputs;
  const source = row * denseWidth;
  for (let i = 0; i < denseWidth; i++) out[at + i] = dense[source + i]!;
  out.fill(0, at + denseWidth, at + width);
  for (let i = 0; i < slotsPerRow; i++) out[at + denseWidth + slots[row * slotsPerRow + i]!] = 1;
}

function logitOf(network: Network, inputs: Encoded, row: number): number {
  let values = firstLayer(network.layers[0]!, inputs, row);
  for (let i = 1; i < network.layers.length; i++) {
    for (let j = 0; j < values.length; j++) if (values[j]! < 0) values[j] = 0;
    const layer = network.layers[i]!;
    const next = Float32Array.from(layer.bias);
    for (let j = 0; j < layer.inputs; j++) addScaled(next, layer, j, values[j]!);
    values = next;
  }
  return values[0]!;
}

/** The first layer reads a one-hot input as one row of its kernel. */
function firstLayer(layer: DenseLayer, inputs: Encoded, row: number): Float32Array {
  const out = Float32Array.from(layer.bias);
  const { dense, denseWidth, slots, slotsPerRow } = inputs;
  for (let i = 0; i < denseWidth; i++) addScaled(out, layer, i, dense[row * denseWidth + i]!);
  for (let i = 0; i < slotsPerRow; i++) {
    addScaled(out, layer, denseWidth + slots[row * slotsPerRow + i]!, 1);
  }
  return out;
}

function addScaled(out: Float32Array, layer: DenseLayer, input: number, value: number): void {
  if (value === 0) return;
  const { kernel, outputs } = layer;
  const from = input * outputs;
  for (let k = 0; k < outputs; k++) out[k] = out[k]! + kernel[from + k]! * value;
}
