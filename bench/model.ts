import { cpus } from "node:os";
import { type BackendName, loadBackend } from "clickstream/model";
import { encodeRow, encodeRows } from "../lib/model/features/encode.ts";
import { fitPreprocessing } from "../lib/model/features/fit.ts";
import type { Encoded } from "../lib/model/features/preprocessing.ts";
import { logitsOfFew, logitsOfMany } from "../lib/model/network/forward.ts";
import { DEFAULT_PARAMETERS, type Network, sigmoid } from "../lib/model/network/network.ts";
import { trainNetwork } from "../lib/model/network/train.ts";
import { createRandom } from "../lib/model/random.ts";

/**
 * Rows a second in training and scoring by backend, and the time of one row.
 * `deno run -A bench/model.ts [backend …]`
 */
const ROWS = 40_000;
const COLUMNS = 120;

function inputs(rows: number): Encoded {
  const random = createRandom(1);
  const dense = Float32Array.from({ length: rows * COLUMNS }, () => random.normal());
  const none = new Uint16Array(0);
  return { rows, denseWidth: COLUMNS, width: COLUMNS, dense, slotsPerRow: 0, slots: none };
}

async function measure(name: BackendName, width: number): Promise<Network | null> {
  const { tf } = await loadBackend(name);
  await tf.setBackend(name === "native" ? "tensorflow" : name);
  const data = inputs(ROWS);
  const labels = Float32Array.from(
    { length: ROWS },
    (_, i) => data.dense[i * COLUMNS]! > 1 ? 1 : 0,
  );
  const few = { inputs: inputs(1000), labels: labels.slice(0, 1000) };
  const { network, epochs } = await trainNetwork(tf, { inputs: data, labels }, few, {
    parameters: { ...DEFAULT_PARAMETERS, width, epochs: 2 },
    seed: 1,
  });
  await logitsOfMany(tf, network, few.inputs);
  const start = performance.now();
  await logitsOfMany(tf, network, data);
  const scoring = ROWS / (performance.now() - start) * 1000;
  const training = ROWS / epochs.at(-1)!.seconds;
  const round = (value: number) => Math.round(value / 1000) * 1000;
  console.log(
    `${name}, ${COLUMNS}-${width}-${width / 2}-1: ` +
      `training ${round(training)} rows/s, scoring ${round(scoring)} rows/s`,
  );
  return network;
}

/** Preprocessing and forward pass of one plain row, as at serving. */
function measureOneRow(network: Network): void {
  const random = createRandom(2);
  const names = Array.from({ length: COLUMNS / 2 }, (_, i) => `f${i}`);
  const columns = new Map(names.map((name) => [
    name,
    {
      kind: "numeric" as const,
      values: Float64Array.from({ length: 500 }, () => random.next() * 9),
    },
  ]));
  const preprocessing = fitPreprocessing({ rows: 500, columns });
  const row = Object.fromEntries(names.map((name) => [name, 3]));
  const wide = encodeRows(preprocessing, [row]);
  const padded = { ...wide, denseWidth: COLUMNS, dense: new Float32Array(COLUMNS) };
  const times = new Float64Array(20_000);
  for (let i = 0; i < times.length; i++) {
    const start = performance.now();
    padded.dense.set(encodeRow(preprocessing, row).dense);
    logitsOfFew(network, padded);
    times[i] = (performance.now() - start) * 1000;
  }
  times.sort();
  const at = (share: number) => times[Math.floor(share * times.length)]!.toFixed(0);
  console.log(`one row, plain loops: p50 ${at(0.5)} µs, p99 ${at(0.99)} µs`);
}

/** How far the backends' probabilities of one network lie apart. */
async function compareBackends(network: Network, names: BackendName[]): Promise<void> {
  const few = inputs(1000);
  const plain = logitsOfFew(network, few).map(sigmoid);
  for (const name of names) {
    const { tf } = await loadBackend(name);
    await tf.setBackend(name === "native" ? "tensorflow" : name);
    const found = (await logitsOfMany(tf, network, few)).map(sigmoid);
    const furthest = Math.max(...found.map((p, i) => Math.abs(p - plain[i]!)));
    console.log(
      `${name} against plain loops: probabilities differ by ${furthest.toExponential(1)}`,
    );
  }
}

console.log(`${cpus().length} cores, ${cpus()[0]?.model ?? "unknown"}`);
const named = Deno.args.filter((arg): arg is BackendName => /^(native|wasm|cpu)$/.test(arg));
let small: Network | null = null;
const worked: BackendName[] = [];
for (const name of named.length > 0 ? named : ["native", "wasm", "cpu"] as const) {
  for (const width of name === "cpu" ? [64] : [64, 512]) {
    const network = await measure(name, width).catch((error: Error) => {
      console.log(`${name}: ${error.message}`);
      return null;
    });
    if (network === null) break;
    if (width === 64) {
      small = network;
      worked.push(name);
    }
  }
}
if (small !== null) {
  measureOneRow(small);
  await compareBackends(small, worked);
}
