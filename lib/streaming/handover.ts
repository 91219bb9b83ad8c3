import type { TakeMessages } from "./hub_worker.ts";
import type { PackedMessages } from "./packed_messages.ts";
import { Room } from "./room.ts";

/**
 * Messages that may be on their way to another thread. It is busy for a second now and then; what has
 * come meanwhile it takes in at once, if the thread that reads did not wait for it.
 */
const ON_THE_WAY = 20_000;

/** Hands messages on without waiting for each answer, until many are on their way. */
export class Handover {
  readonly #take: TakeMessages;
  readonly #fail: (error: Error) => void;
  readonly #room: Room;
  #onTheWay = 0;
  #failure: Error | null = null;

  /**
   * @param take takes messages in; its promise ends when there is room for more
   * @param fail called when messages could not be taken in; none follow them
   * @param limit messages on their way before {@link give} waits. @default 20,000
   */
  constructor(take: TakeMessages, fail: (error: Error) => void, limit = ON_THE_WAY) {
    this.#take = take;
    this.#fail = fail;
    this.#room = new Room(() => this.#onTheWay > limit);
  }

  /**
   * Hands messages of a partition on; waits while too many are on their way.
   *
   * @throws what earlier messages could not be taken in for
   */
  async give(partition: number, messages: PackedMessages, hubEnd: number): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    const count = messages.bodies.length;
    this.#onTheWay += count;
    this.#take(partition, messages, hubEnd).then(() => this.#arrived(count), (error) => {
      this.#failure = error;
      this.#fail(error);
    });
    await this.#room.wait();
  }

  #arrived(count: number): void {
    this.#onTheWay -= count;
    this.#room.changed();
  }
}
