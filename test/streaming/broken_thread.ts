/// <reference lib="deno.worker" />
import { expose } from "comlink";
import type { TakeMessages } from "../../lib/streaming/hub_worker.ts";
import { packMessages } from "../../lib/streaming/packed_messages.ts";

const message = (sequenceNumber: number) =>
  packMessages([{
    ...{ partition: 0, sequenceNumber, offset: String(sequenceNumber), enqueuedTime: 0 },
    ...{ body: "{}", bodyEncoding: null },
  }]);

/** Stands in for the thread of a reader that goes wrong after its first message. */
class BrokenThread {
  #how = "";

  /** @param options says, instead of where the hub is, what goes wrong */
  open(options: { connectionString: string }): Map<number, number> {
    this.#how = options.connectionString;
    return new Map([[0, 2]]);
  }

  async start(_reading: unknown, take: TakeMessages): Promise<void> {
    await take(0, message(0), 2);
    if (this.#how.startsWith("dies")) {
      setTimeout(() => {
        throw new Error("out of order");
      });
      return;
    }
    await Promise.allSettled([take(0, { ...message(1), bodies: [] }, 2), take(0, message(2), 2)]);
  }

  close(): void {}
}

expose(new BrokenThread());
