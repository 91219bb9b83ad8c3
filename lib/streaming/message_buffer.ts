import { pause } from "clickstream/config";
import type { HubMessage } from "./decode.ts";
import type { PlannedBatch } from "./batch_log.ts";
import { Room } from "./room.ts";

/** Messages of one partition that were received and not yet taken. */
interface Lane {
  messages: HubMessage[];
  /** Index of the next message to take. */
  next: number;
}

/** Holds received messages by partition, and slows the receiver down while it holds many. */
export class MessageBuffer {
  readonly #lanes = new Map<number, Lane>();
  readonly #room: Room;
  #held = 0;
  /** Of these, those that are of no use without further ones: they fill no room. */
  #useless = 0;
  #arrival: PromiseWithResolvers<void> = Promise.withResolvers();

  /** @param limit messages to hold before {@link put} waits */
  constructor(limit: number) {
    this.#room = new Room(() => this.#held > limit + this.#useless);
  }

  /** Messages held. */
  get size(): number {
    return this.#held;
  }

  /** Takes messages of a partition in; waits while the buffer is full. */
  async put(partition: number, messages: HubMessage[]): Promise<void> {
    const lane = this.#lanes.get(partition);
    if (lane === undefined) this.#lanes.set(partition, { messages, next: 0 });
    else lane.messages.push(...messages);
    this.#held += messages.length;
    this.#arrival.resolve();
    await this.#room.wait();
  }

  /**
   * Waits until more than `known` messages are held, at most `milliseconds`.
   *
   * @param known number of held messages that are of no use without further ones
   */
  async arrival(milliseconds: number, known: number): Promise<void> {
    this.#useless = known;
    if (this.#held > known) return;
    this.#room.changed();
    this.#arrival = Promise.withResolvers();
    const waiting = new AbortController();
    await Promise.race([
      this.#arrival.promise,
      pause(milliseconds, waiting.signal).catch(() => {}),
    ]);
    waiting.abort();
  }

  /** Lets waiting receivers go, as when the query ends. */
  release(): void {
    this.#held = 0;
    this.#lanes.clear();
    this.#room.changed();
  }

  /** Whether all messages of a planned batch are held. */
  covers(batch: PlannedBatch, taken: ReadonlyMap<number, number>): boolean {
    return Object.entries(batch.ends).every(([partition, end]) => {
      const newest = this.#lanes.get(Number(partition))?.messages.at(-1)?.sequenceNumber ?? -1;
      return end <= Math.max(newest, taken.get(Number(partition)) ?? -1);
    });
  }

  /** Takes exactly the messages of a planned batch. */
  takePlanned(batch: PlannedBatch): HubMessage[] {
    return this.#take((partition, message) =>
      message.sequenceNumber <= (batch.ends[String(partition)] ?? -1)
    );
  }

  /** Takes up to `most` messages, as evenly over the partitions as they come. */
  take(most: number): HubMessage[] {
    const share = Math.max(1, Math.ceil(most / Math.max(1, this.#lanes.size)));
    const counts = new Map<number, number>();
    return this.#take((partition) => {
      const count = (counts.get(partition) ?? 0) + 1;
      counts.set(partition, count);
      return count <= share;
    });
  }

  #take(wanted: (partition: number, message: HubMessage) => boolean): HubMessage[] {
    const taken: HubMessage[] = [];
    for (const [partition, lane] of this.#lanes) {
      while (lane.next < lane.messages.length && wanted(partition, lane.messages[lane.next]!)) {
        taken.push(lane.messages[lane.next++]!);
      }
      // What was taken is let go of, also in a lane that is never empty.
      if (lane.next * 2 >= lane.messages.length) {
        [lane.messages, lane.next] = [lane.messages.slice(lane.next), 0];
      }
    }
    this.#held -= taken.length;
    this.#room.changed();
    return taken;
  }
}
