import { type BackendName, loadBackend } from "../backend.ts";
import { ModelError } from "../errors.ts";
import type { NetworkParameters } from "../network/network.ts";
import { type LabelledInputs, trainNetwork } from "../network/train.ts";

/** Rows that every trial of a pool trains on and is judged by. */
export interface PoolData {
  backend: BackendName;
  train: LabelledInputs;
  validation: LabelledInputs;
}

/** One training to run. */
export interface PoolTask {
  parameters: NetworkParameters;
  seed: number;
  /** Told after every pass; an answer of false stops the training. */
  onEpoch: (epoch: number, averagePrecision: number) => boolean;
}

/** Workers that train networks on the same rows. */
export interface WorkerPool {
  /** Trains one network and answers 1 - its best average precision on the validation rows. */
  run(task: PoolTask): Promise<number>;
  close(): void;
}

/** What the pool tells a worker. */
export type ToWorker =
  | { kind: "data"; data: PoolData }
  | { kind: "train"; parameters: NetworkParameters; seed: number }
  | { kind: "answer"; goesOn: boolean };

/** What a worker tells the pool. */
export type FromWorker =
  | { kind: "epoch"; epoch: number; averagePrecision: number }
  | { kind: "done"; loss: number }
  | { kind: "failed"; message: string };

/** Starts workers; with 0 the trainings run in this thread. */
export function startWorkers(count: number, data: PoolData): WorkerPool {
  if (count === 0) return { run: (task) => trainOn(data, task), close: () => {} };
  const workers = Array.from({ length: count }, () => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    send(worker, { kind: "data", data });
    return worker;
  });
  const idle = [...workers];
  return {
    run: async (task) => {
      const worker = idle.pop();
      if (worker === undefined) throw new ModelError("More trainings at once than workers.");
      try {
        return await runOn(worker, task);
      } finally {
        idle.push(worker);
      }
    },
    close: () => workers.forEach((worker) => worker.terminate()),
  };
}

/** Trains one network here: the same code in a worker and without one. */
export async function trainOn(data: PoolData, task: {
  parameters: NetworkParameters;
  seed: number;
  onEpoch: (epoch: number, averagePrecision: number) => boolean | Promise<boolean>;
}): Promise<number> {
  const { tf } = await loadBackend(data.backend);
  const { epochs } = await trainNetwork(tf, data.train, data.validation, {
    parameters: task.parameters,
    seed: task.seed,
    onEpoch: ({ epoch, validationAveragePrecision }) =>
      task.onEpoch(epoch, validationAveragePrecision),
  });
  return 1 - Math.max(...epochs.map(({ validationAveragePrecision: ap }) => ap));
}

function runOn(worker: Worker, task: PoolTask): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.kind === "epoch") {
        send(worker, { kind: "answer", goesOn: task.onEpoch(data.epoch, data.averagePrecision) });
      } else if (data.kind === "done") resolve(data.loss);
      else reject(new ModelError(data.message));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new ModelError(`A training worker failed: ${event.message}`));
    };
    send(worker, { kind: "train", parameters: task.parameters, seed: task.seed });
  });
}

function send(worker: Worker, message: ToWorker): void {
  worker.postMessage(message);
}
