import type { EventHubConsumerClient } from "@azure/event-hubs";
import { pause } from "clickstream/config";
import type { StreamError } from "./errors.ts";
import { hubEnds, type HubOptions, openConsumer, receive } from "./hub.ts";
import { MessageBuffer } from "./message_buffer.ts";

/** Milliseconds that the hub has to answer a goodbye. */
const CLOSE_MILLIS = 5000;

/** The streaming query's end of the hub: reads it into a buffer, and knows where it ends. */
export class HubReader {
  /** Messages that were received and not yet taken. */
  readonly buffer = new MessageBuffer(40_000);
  readonly #client: EventHubConsumerClient;
  readonly #ends: Map<number, number>;
  #receiver: { close(): Promise<void> } | undefined;

  private constructor(client: EventHubConsumerClient, ends: Map<number, number>) {
    this.#client = client;
    this.#ends = ends;
  }

  /** @throws {StreamError} when the hub does not say where its partitions end */
  static async open(options: HubOptions): Promise<HubReader> {
    const client = openConsumer(options);
    try {
      return new HubReader(client, await hubEnds(client));
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  /** Last sequence number known of each partition of the hub. */
  get ends(): ReadonlyMap<number, number> {
    return this.#ends;
  }

  /**
   * Begins to read, as the one reader of these partitions.
   *
   * @param after last sequence number already taken, by partition
   * @param partitions those to read; undefined for all
   * @param onFailure called when reading cannot go on
   */
  async start(
    after: ReadonlyMap<number, number>,
    partitions: readonly number[] | undefined,
    onFailure: (error: StreamError) => void,
  ): Promise<void> {
    this.#receiver = await receive(this.#client, {
      after,
      onMessages: async (partition, messages, hubEnd) => {
        this.#ends.set(partition, Math.max(hubEnd, messages.at(-1)!.sequenceNumber));
        await this.buffer.put(partition, messages);
      },
      onError: (error, final) => final && onFailure(error),
      ownerLevel: 1,
      ...(partitions === undefined ? {} : { partitions }),
    });
  }

  /** Ends reading. A hub that does not answer any more holds nobody up. */
  async close(): Promise<void> {
    this.buffer.release();
    const closing = async () => {
      await this.#receiver?.close();
      await this.#client.close();
    };
    await Promise.race([closing(), pause(CLOSE_MILLIS)]).catch(() => {});
  }
}
