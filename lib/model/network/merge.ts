import type { DenseLayer, Network } from "./network.ts";

/**
 * One network that answers the mean of several networks' log odds: their layers side by side, with
 * zeros between them. All must have the same inputs and number of layers.
 */
export function mergeNetworks(networks: Network[]): Network {
  if (networks.length === 1) return networks[0]!;
  const depth = networks[0]!.layers.length;
  const layers = Array.from({ length: depth }, (_, at) => {
    const own = networks.map(({ layers }) => layers[at]!);
    return mergeLayers(own, at === 0, at === depth - 1);
  });
  return { layers };
}

function mergeLayers(own: DenseLayer[], isFirst: boolean, isLast: boolean): DenseLayer {
  const share = isLast ? 1 / own.length : 1;
  const sum = (field: "inputs" | "outputs") =>
    own.reduce((total, layer) => total + layer[field], 0);
  const inputs = isFirst ? own[0]!.inputs : sum("inputs");
  const outputs = isLast ? own[0]!.outputs : sum("outputs");
  const kernel = new Float32Array(inputs * outputs);
  const bias = new Float32Array(outputs);
  let row = 0;
  let column = 0;
  for (const layer of own) {
    for (let i = 0; i < layer.inputs; i++) {
      for (let j = 0; j < layer.outputs; j++) {
        const place = (row + i) * outputs + column + j;
        kernel[place] = kernel[place]! + share * layer.kernel[i * layer.outputs + j]!;
      }
    }
    for (let j = 0; j < layer.outputs; j++) bias[column + j]! += share * layer.bias[j]!;
    if (!isFirst) row += layer.inputs;
    if (!isLast) column += layer.outputs;
  }
  return { inputs, outputs, kernel, bias };
}
