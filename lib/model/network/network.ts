/** One dense layer's weights; `kernel` is row by row, inputs x outputs. */
export interface DenseLayer {
  inputs: number;
  outputs: number;
  kernel: Float32Array;
  bias: Float32Array;
}

/** A dense network: ReLU between layers, one output that is the log odds of the label. */
export interface Network {
  layers: DenseLayer[];
}

/** What training may vary, with our defaults in {@link DEFAULT_PARAMETERS}. */
export interface NetworkParameters {
  /** Hidden layers, 0 to 3; 0 is a logistic regression. @default 2 */
  layers: number;
  /** Units of the first hidden layer; each further one has half. @default 64 */
  width: number;
  /** Share of hidden units left out in each step, 0 to 0.5. @default 0.3 */
  dropout: number;
  /** Adam's step size. @default 0.001 */
  learningRate: number;
  /** Weight of the squared kernels in the loss. @default 3e-5 */
  l2: number;
  /** Weight of a positive row against a negative one; calibration undoes its bias. @default 1 */
  classWeight: number;
  /** Rows a step at most; fewer where a pass would have less than 32 steps. @default 1024 */
  batch: number;
  /** Passes over the rows at most. @default 12, more where that is less than 1,500 steps */
  epochs: number;
  /** Passes without a better validation score before training stops. @default 3, or a sixth of the passes */
  patience: number;
  /**
   * Networks trained from different seeds, whose log odds are averaged (stored as one network).
   * @default 1
   */
  members: number;
}

/** The parameters that training uses where none are given. */
export const DEFAULT_PARAMETERS: NetworkParameters = {
  layers: 2,
  width: 64,
  dropout: 0.3,
  learningRate: 1e-3,
  l2: 3e-5,
  classWeight: 1,
  batch: 1024,
  epochs: 12,
  patience: 3,
  members: 1,
};

/** Units of every layer from inputs to the one output. */
export function layerSizes(inputs: number, parameters: NetworkParameters): number[] {
  const hidden = Array.from(
    { length: parameters.layers },
    (_, i) => Math.max(4, Math.round(parameters.width / 2 ** i)),
  );
  return [inputs, ...hidden, 1];
}

/** Number of weights in a network. */
export function countWeights(network: Network): number {
  return network.layers.reduce((sum, layer) => sum + layer.kernel.length + layer.bias.length, 0);
}

/** The logistic function. */
export function sigmoid(logit: number): number {
  return logit >= 0 ? 1 / (1 + Math.exp(-logit)) : Math.exp(logit) / (1 + Math.exp(logit));
}
