/// <reference lib="deno.worker" />
import type { EventHubConsumerClient } from "@azure/event-hubs";
import { expose } from "comlink";
import { Handover } from "./handover.ts";
import { codeOf, type HubEnds, hubEnds, type HubOptions, openConsumer, receive } from "./hub.ts";
import { type PackedMessages, packMessages } from "./packed_messages.ts";

/** What a thread reads. */
interface ThreadReading {
  /** Last sequence number already taken, by partition. */
  after: ReadonlyMap<number, number>;
  partitions: readonly number[];
}

/** Takes messages of a partition in; the promise ends when there is room for more. */
export type TakeMessages = (
  partition: number,
  messages: PackedMessages,
  hubEnd: number,
) => Promise<void>;

/** Told when reading cannot go on, and by which of the service's codes. */
export type TellFailure = (message: string, code: string) => Promise<void>;

/** The thread of a {@link HubReader}: everything that the SDK of Event Hubs does is done in it. */
export class HubThread {
  #client: EventHubConsumerClient | undefined;
  #receiver: { close(): Promise<void> } | undefined;

  /** Says where each partition ends. */
  async open(options: HubOptions): Promise<HubEnds> {
    this.#client = openConsumer(options);
    return await hubEnds(this.#client);
  }

  /** Begins to read, as the one reader of these partitions. */
  async start(reading: ThreadReading, take: TakeMessages, fail: TellFailure): Promise<void> {
    const tell = (error: Error) => void fail(error.message, codeOf(error)).catch(() => {});
    const handover = new Handover(take, tell);
    this.#receiver = await receive(this.#client!, {
      ...reading,
      onMessages: (partition, messages, hubEnd) =>
        handover.give(partition, packMessages(messages), hubEnd),
      onError: (error, final) => final && tell(error),
      ownerLevel: 1,
    });
  }

  async close(): Promise<void> {
    await this.#receiver?.close();
    await this.#client?.close();
  }
}

expose(new HubThread());
