import { proxy, type Remote, wrap } from "comlink";
import { pause } from "clickstream/config";
import { StreamError } from "./errors.ts";
import type { HubOptions } from "./hub.ts";
import type { HubThread, TakeMessages, TellFailure } from "./hub_worker.ts";
import { MessageBuffer } from "./message_buffer.ts";
import { unpackMessages } from "./packed_messages.ts";

const THREAD = new URL("./hub_worker.ts", import.meta.url);

/** Milliseconds that the hub has to answer a goodbye. */
const CLOSE_MILLIS = 5000;

/**
 * The streaming query's end of the hub: reads it into a buffer, and knows where it ends. Reading goes
 * on in a thread of its own, as to take AMQP apart costs a third of the time that an event takes.
 */
export class HubReader {
  /** Messages that were received and not yet taken; as many as a {@link Handover} has are on their way. */
  readonly buffer = new MessageBuffer(40_000);
  readonly #worker: Worker;
  readonly #thread: Remote<HubThread>;
  #ends: Map<number, number> = new Map();
  /** Is rejected when the thread itself fails: then it answers nothing any more. */
  readonly #broken = Promise.withResolvers<never>();
  #closing: Promise<void> | undefined;

  private constructor(script: URL) {
    this.#worker = new Worker(script, { type: "module" });
    this.#thread = wrap<HubThread>(this.#worker);
    this.#broken.promise.catch(() => {});
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const message = `The thread that reads the event hub failed: ${event.message}`;
      this.#broken.reject(new StreamError(message));
    };
  }

  /**
   * @param script what the thread runs
   * @throws {StreamError} when the hub does not say where its partitions end, or the thread fails
   */
  static async open(options: HubOptions, script: URL = THREAD): Promise<HubReader> {
    const reader = new HubReader(script);
    try {
      reader.#ends = await reader.#answer(reader.#thread.open(options));
      return reader;
    } catch (error) {
      await reader.close();
      const { name, message } = error as Error; // a thread's errors lose their class on the way
      throw name === "StreamError" ? new StreamError(message, { cause: error }) : error;
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
   * @param onFailure called when reading cannot go on
   * @param partitions those to read. @default all
   */
  async start(
    after: ReadonlyMap<number, number>,
    onFailure: (error: StreamError) => void,
    partitions: readonly number[] = [...this.#ends.keys()],
  ): Promise<void> {
    const take: TakeMessages = async (partition, packed, hubEnd) => {
      try {
        const messages = unpackMessages(partition, packed);
        this.#ends.set(partition, Math.max(hubEnd, messages.at(-1)!.sequenceNumber));
        await this.buffer.put(partition, messages);
      } catch (error) {
        // Told here already: others of the partition may be on their way, and would follow a gap.
        onFailure(new StreamError(`Messages could not be taken in: ${error}`, { cause: error }));
        throw error;
      }
    };
    const fail: TellFailure = (message, code) => {
      onFailure(Object.assign(new StreamError(message), { code }));
      return Promise.resolve();
    };
    await this.#answer(this.#thread.start({ after, partitions }, proxy(take), proxy(fail)));
    this.#broken.promise.catch(onFailure);
  }

  /** Ends reading. A hub that does not answer any more holds nobody up. */
  async close(): Promise<void> {
    this.buffer.release();
    await (this.#closing ??= this.#end());
  }

  async #end(): Promise<void> {
    await Promise.race([this.#answer(this.#thread.close()), pause(CLOSE_MILLIS)]).catch(() => {});
    this.#worker.terminate();
  }

  #answer<T>(answer: Promise<T>): Promise<T> {
    return Promise.race([answer, this.#broken.promise]);
  }
}
