/// <reference lib="deno.worker" />
import type { FromWorker, PoolData, ToWorker } from "./worker_pool.ts";
import { trainOn } from "./worker_pool.ts";

/** A worker of the pool: keeps the rows, trains what it is told, asks after every pass. */
let data: PoolData | undefined;
let answered: ((goesOn: boolean) => void) | undefined;

self.onmessage = ({ data: message }: MessageEvent<ToWorker>) => {
  if (message.kind === "data") data = message.data;
  else if (message.kind === "answer") answered?.(message.goesOn);
  else void train(message);
};

async function train(task: Extract<ToWorker, { kind: "train" }>): Promise<void> {
  try {
    const loss = await trainOn(data!, {
      ...task,
      onEpoch: (epoch, averagePrecision) => {
        const answer = new Promise<boolean>((resolve) => answered = resolve);
        tell({ kind: "epoch", epoch, averagePrecision });
        return answer;
      },
    });
    tell({ kind: "done", loss });
  } catch (error) {
    tell({ kind: "failed", message: String((error as Error).message ?? error) });
  }
}

function tell(message: FromWorker): void {
  self.postMessage(message);
}
