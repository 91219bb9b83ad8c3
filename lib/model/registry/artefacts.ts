import type { TrainedModel } from "../model.ts";
import type { DenseLayer, Network } from "../network/network.ts";
import { toJson } from "./files.ts";

/** The files of a stored model by name. */
export type Artefacts = Record<string, Uint8Array>;

/** Files that every stored model has; a network adds {@link NETWORK_FILES}. */
export const MODEL_FILE = "propensity.json";
/** TensorFlow.js layers-model format: `tf.loadLayersModel` opens it; its output is the log odds. */
export const NETWORK_FILES = { topology: "model.json", weights: "weights.bin" } as const;

/** A model as files: everything but the weights as JSON, the weights as TensorFlow.js keeps them. */
export function toArtefacts(model: TrainedModel): Artefacts {
  const text = (value: unknown) => new TextEncoder().encode(toJson(value));
  const files: Artefacts = {
    [MODEL_FILE]: text({ ...model, network: null, registered: undefined }),
  };
  if (model.network !== null) {
    files[NETWORK_FILES.topology] = text(topologyOf(model.network));
    files[NETWORK_FILES.weights] = weightsOf(model.network);
  }
  return files;
}

/** The model that files hold. The caller has checked that they are whole. */
export function fromArtefacts(files: Artefacts): TrainedModel {
  const parse = (name: string) => JSON.parse(new TextDecoder().decode(files[name]));
  const model = parse(MODEL_FILE) as TrainedModel;
  if (model.kind === "rate") return model;
  const topology = parse(NETWORK_FILES.topology) as ReturnType<typeof topologyOf>;
  return { ...model, network: networkOf(topology, files[NETWORK_FILES.weights]!) };
}

function topologyOf(network: Network) {
  const names = network.layers.map((_, i) => `dense_${i + 1}`);
  return {
    format: "layers-model",
    generatedBy: "clickstream",
    convertedBy: null,
    modelTopology: {
      class_name: "Sequential",
      config: {
        name: "propensity",
        layers: network.layers.map((layer, i) => ({
          class_name: "Dense",
          config: {
            name: names[i]!,
            units: layer.outputs,
            activation: i === network.layers.length - 1 ? "linear" : "relu",
            use_bias: true,
            trainable: true,
            ...(i === 0 ? { batch_input_shape: [null, layer.inputs], dtype: "float32" } : {}),
          },
        })),
      },
      keras_version: "tfjs-layers 4.22.0",
      backend: "tensor_flow.js",
    },
    weightsManifest: [{
      paths: [NETWORK_FILES.weights as string],
      weights: network.layers.flatMap((layer, i) => [
        { name: `${names[i]}/kernel`, shape: [layer.inputs, layer.outputs], dtype: "float32" },
        { name: `${names[i]}/bias`, shape: [layer.outputs], dtype: "float32" },
      ]),
    }],
  };
}

function weightsOf(network: Network): Uint8Array {
  const arrays = network.layers.flatMap(({ kernel, bias }) => [kernel, bias]);
  const bytes = new Uint8Array(arrays.reduce((sum, array) => sum + array.byteLength, 0));
  let at = 0;
  for (const array of arrays) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
    at += array.byteLength;
  }
  return bytes;
}

function networkOf(topology: ReturnType<typeof topologyOf>, bytes: Uint8Array): Network {
  const numbers = new Float32Array(bytes.slice().buffer);
  const shapes = topology.weightsManifest[0]!.weights.map(({ shape }) => shape);
  const layers: DenseLayer[] = [];
  let at = 0;
  for (let i = 0; i < shapes.length; i += 2) {
    const [inputs, outputs] = shapes[i] as [number, number];
    const kernel = numbers.slice(at, at += inputs * outputs);
    const bias = numbers.slice(at, at += outputs);
    layers.push({ inputs, outputs, kernel, bias });
  }
  return { layers };
}
