import {
  containerOf,
  documentId,
  documentValues,
  type OnlineDocument,
  type OnlineStore,
  OnlineStoreError,
  PRODUCT_ATTRIBUTES_TABLE,
  publishDocuments,
  statusOf,
  type Withdrawal,
  withdrawDocuments,
} from "clickstream/online";
import type { Container } from "@azure/cosmos";
import { allEnded, backOff } from "clickstream/config";
import { formatTime } from "clickstream/events";
import { inferenceTable, type MetricSet } from "clickstream/metrics";
import type { EvictedKey, KeyedState, StateKey, StateRow } from "./keyed_state.ts";
import {
  attributesDocument,
  documentAttributes,
  type ProductAttributes,
  replaces,
} from "./product_attributes.ts";
import { Tickets, WorkQueue } from "./work_queue.ts";

/** Most documents that one round writes, so that newer values of a busy key are not waited for long. */
const ROUND = 4000;

/** Failed rounds in a row after which the query gives up: about two minutes. */
const MOST_FAILURES = 30;

/** The online document of a key of an event set. @param current_ts when it is written */
function stateDocument(set: MetricSet, row: StateRow, current_ts: string): OnlineDocument {
  const keys = set.keys.map((column) => row[column]);
  return {
    id: documentId(keys),
    ...Object.fromEntries(set.keys.map((column, i) => [column, String(keys[i])])),
    event_time: formatTime(row.eventTime),
    ...documentValues(set, row.values),
    ingest_ts: formatTime(row.ingestTime),
    current_ts,
    version: row.version,
  };
}

/** How far the online store is: it shows everything up to here, and nothing that expired by then. */
export interface OnlinePosition {
  /** Last sequence number by partition. */
  ends: ReadonlyMap<number, number>;
  /** Microseconds since 1970; -Infinity before the first event. */
  watermark: number;
}

/** What one set still has to tell the store. */
interface Outbox {
  state: KeyedState;
  /** Slots to write; whether the store may hold a document that this process did not write. */
  writes: WorkQueue<number, boolean>;
  /** Evicted keys' documents, by id. */
  deletions: WorkQueue<string, Withdrawal>;
  /** ETag of what this process wrote last, by slot. */
  etags: (string | undefined)[];
}

/**
 * A queue that is worked off in rounds, whatever the others do. A document may so be written while it
 * is being deleted: the version of a key that returned has risen, so the written one stays.
 */
interface Lane {
  queue: WorkQueue<unknown, unknown>;
  /** Repeated after a failure: what was taken is taken again, and no write does harm twice. */
  round(): Promise<void>;
  running: Promise<void> | null;
}

/** Keeps the online store in step with the state: changed keys are written, evicted ones deleted. */
export class OnlinePublisher {
  readonly #store: OnlineStore;
  readonly #tickets = new Tickets();
  readonly #lanes: Lane[] = [];
  readonly #outboxes: Map<string, Outbox>;
  readonly #products = this.#lane<bigint, ProductAttributes>((taken) => this.#writeProducts(taken));
  readonly #now: () => number;
  /** Positions that hold once everything up to their ticket is done, oldest first. */
  #marks: { ticket: number; position: OnlinePosition }[] = [];
  #position: OnlinePosition;
  #published = 0;
  readonly #abandoned = new AbortController();
  /** Why nothing more is written. */
  #failure: Error | null = null;

  /**
   * @param position how far the store was before this start
   * @param now wall clock, milliseconds
   */
  constructor(
    store: OnlineStore,
    states: readonly KeyedState[],
    position: OnlinePosition,
    now: () => number,
  ) {
    this.#store = store;
    this.#position = position;
    this.#now = now;
    this.#outboxes = new Map(states.map((state) => [state.set.name, this.#outbox(state)]));
  }

  #outbox(state: KeyedState): Outbox {
    const container = containerOf(this.#store, inferenceTable(state.set));
    const outbox: Outbox = {
      state,
      writes: this.#lane((taken) => this.#write(container, outbox, taken)),
      deletions: this.#lane((taken) =>
        withdrawDocuments(container, taken.map(([, withdrawal]) => withdrawal))
      ),
      etags: [],
    };
    return outbox;
  }

  #lane<K, V>(work: (taken: [K, V][]) => Promise<void>): WorkQueue<K, V> {
    const queue = new WorkQueue<K, V>(this.#tickets);
    const round = async () => {
      await work(queue.take(ROUND));
      queue.done();
    };
    this.#lanes.push({ queue: queue as WorkQueue<unknown, unknown>, round, running: null });
    return queue;
  }

  /** Documents written so far. */
  get published(): number {
    return this.#published;
  }

  /** Changes that the online store does not show yet. */
  get pending(): number {
    return this.#lanes.reduce((sum, { queue }) => sum + queue.size, 0);
  }

  /** How far the store is: the newest of the positions marked that everything before is done for. */
  get position(): OnlinePosition {
    const oldest = Math.min(...this.#lanes.map(({ queue }) => queue.oldest));
    while (this.#marks.length > 0 && this.#marks[0]!.ticket < oldest) {
      this.#position = this.#marks.shift()!.position;
    }
    return this.#position;
  }

  /** Says that everything told so far is what follows from the events up to a position. */
  mark(position: OnlinePosition): void {
    this.#marks.push({ ticket: this.#tickets.last, position });
  }

  /** A slot's values changed. @param mayExist whether a document is there that this process did not write */
  changed(set: MetricSet, slot: number, mayExist: boolean): void {
    const { writes } = this.#outboxes.get(set.name)!;
    if (!writes.waits(slot)) writes.put(slot, mayExist);
  }

  /** A product's attributes changed. */
  productChanged(attributes: ProductAttributes): void {
    this.#products.put(attributes.product_id, attributes);
  }

  /** Whether a slot is being written, and so must not be evicted. */
  isWriting(set: MetricSet, slot: number): boolean {
    return this.#outboxes.get(set.name)!.writes.isTaken(slot);
  }

  /**
   * A key was evicted: its document goes. One that still waits to be written is not written any more,
   * so that a query that catches up does not carry months of expired keys through the store.
   */
  evicted(set: MetricSet, key: EvictedKey): void {
    const { writes, deletions, etags } = this.#outboxes.get(set.name)!;
    const mayExist = writes.cancel(key.slot) ?? true;
    const etag = etags[key.slot];
    if (!mayExist && etag === undefined) return;
    const id = idOf(set, key);
    deletions.put(id, { id, version: key.version, ...(etag === undefined ? {} : { etag }) });
    etags[key.slot] = undefined;
  }

  /** An evicted key is back: its document must not go any more. */
  returned(set: MetricSet, key: StateKey): void {
    this.#outboxes.get(set.name)!.deletions.cancel(idOf(set, key));
  }

  /** Writes nothing more; ends when what is under way has been answered. */
  async abandon(): Promise<void> {
    this.#abandoned.abort();
    await Promise.allSettled(this.#lanes.map(({ running }) => running));
  }

  /**
   * Starts writing what waits, where it does not go on already.
   *
   * @param onFailure told when nothing more is written, by the reason that {@link pump} throws
   */
  begin(onFailure: (error: Error) => void): void {
    for (const lane of this.#lanes) {
      if (lane.running === null && lane.queue.size > 0) this.#run(lane).catch(onFailure);
    }
  }

  /**
   * Writes what waits; ends when each queue has been empty.
   *
   * @throws {OnlineStoreError} when the store refuses, or stays unreachable for two minutes: nothing
   *   more is written then
   */
  async pump(): Promise<void> {
    await allEnded(this.#lanes.map((lane) => lane.running ?? this.#run(lane)));
  }

  #run(lane: Lane): Promise<void> {
    return lane.running = this.#drain(lane).finally(() => lane.running = null);
  }

  async #drain({ queue, round }: Lane): Promise<void> {
    let failures = 0;
    const { signal } = this.#abandoned;
    while (queue.size > 0 && !signal.aborted) {
      try {
        await round();
        failures = 0;
      } catch (error) {
        failures += 1;
        if (failures > MOST_FAILURES || !mayPass(error)) {
          this.#failure ??= error as Error;
          this.#abandoned.abort();
        }
        await backOff(failures, 100, signal).catch(() => {});
      }
    }
    if (this.#failure !== null) throw this.#failure;
  }

  async #write(
    container: Container,
    { state, etags }: Outbox,
    taken: [slot: number, mayExist: boolean][],
  ): Promise<void> {
    const currentTs = formatTime(this.#now() * 1000);
    const outcomes = await publishDocuments(
      container,
      taken.map(([slot, mayExist]) => {
        const etag = etags[slot];
        const document = stateDocument(state.set, state.row(slot), currentTs);
        return { document, mayExist, ...(etag ? { etag } : {}) };
      }),
    );
    taken.forEach(([slot], i) => etags[slot] = outcomes[i] ?? undefined);
    this.#published += taken.length;
  }

  async #writeProducts(taken: [bigint, ProductAttributes][]): Promise<void> {
    await publishDocuments(
      containerOf(this.#store, PRODUCT_ATTRIBUTES_TABLE),
      taken.map(([, product]) => ({
        document: attributesDocument(product),
        mayExist: true,
        yieldsTo: (stored) => !replaces(product, documentAttributes(stored)),
      })),
    );
    this.#published += taken.length;
  }
}

/** Whether a store may take what it did not take now: all but a wrong key or a missing container. */
function mayPass(error: unknown): boolean {
  return error instanceof OnlineStoreError && ![401, 403, 404].includes(statusOf(error) ?? 0);
}

function idOf(set: MetricSet, key: StateKey): string {
  return documentId(set.keys.map((column) => key[column]));
}
