import type { BatchLog, PlannedBatch } from "./batch_log.ts";
import type { HubMessage } from "./decode.ts";
import type { MessageBuffer } from "./message_buffer.ts";

/**
 * Decides which messages make the next micro-batch: after a crash those of the batches that were
 * planned before it, the same again; then what is there. Each new batch is planned in the log first.
 */
export class BatchPlan {
  readonly #log: BatchLog;
  /** Batches of an earlier process that the tables do not hold, oldest first. */
  readonly #again: PlannedBatch[];

  /** @param committed what the tables hold, last sequence number by partition */
  constructor(log: BatchLog, committed: ReadonlyMap<number, number>) {
    this.#log = log;
    this.#again = log.recovered.filter((batch) => !isIn(committed, batch));
  }

  /** Where the batches of an earlier process ended: it may have told the online store of them. */
  get recovered(): ReadonlyMap<number, number> {
    const ends = this.#log.recovered.flatMap((batch) => Object.entries(batch.ends));
    return new Map(ends.map(([partition, end]) => [Number(partition), end]));
  }

  /** The watermark before the last batch planned, which the query's file may not know; or -Infinity. */
  get watermark(): number {
    return this.#log.recovered.at(-1)?.watermark ?? -Infinity;
  }

  /**
   * Whether what the buffer holds is of no use before the rest of a planned batch has come.
   *
   * @param processed what was taken so far, last sequence number by partition
   */
  waits(buffer: MessageBuffer, processed: ReadonlyMap<number, number>): boolean {
    const [planned] = this.#again;
    return planned !== undefined && !buffer.covers(planned, processed);
  }

  /**
   * Takes the next micro-batch out of the buffer; none when there is nothing to take yet.
   *
   * @param most messages of a new batch
   * @param watermark before the batch, microseconds since 1970; -Infinity before the first event
   */
  take(
    buffer: MessageBuffer,
    processed: ReadonlyMap<number, number>,
    { most, watermark }: { most: number; watermark: number },
  ): HubMessage[] {
    if (this.waits(buffer, processed)) return [];
    const planned = this.#again.shift();
    if (planned !== undefined) return buffer.takePlanned(planned);
    const messages = buffer.take(most);
    if (messages.length > 0) {
      this.#log.append({
        ends: Object.fromEntries(endsOf(messages)),
        watermark: Number.isFinite(watermark) ? watermark : null,
      });
    }
    return messages;
  }

  /** Forgets what the tables hold by now. */
  forget(committed: ReadonlyMap<number, number>): void {
    this.#log.forget((batch) => isIn(committed, batch));
  }

  close(): void {
    this.#log.close();
  }
}

/** Last sequence numbers of messages by partition. */
export function endsOf(messages: readonly HubMessage[]): Map<number, number> {
  return new Map(messages.map((message) => [message.partition, message.sequenceNumber]));
}

function isIn(committed: ReadonlyMap<number, number>, { ends }: PlannedBatch): boolean {
  return Object.entries(ends).every(([p, end]) => end <= (committed.get(Number(p)) ?? -1));
}
