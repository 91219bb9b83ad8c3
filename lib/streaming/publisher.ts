import {
  containerOf,
  deleteDocuments,
  documentId,
  type OnlineDocument,
  type OnlineStore,
  PRODUCT_ATTRIBUTES_TABLE,
  publishDocuments,
} from "clickstream/online";
import { formatTime } from "clickstream/events";
import { inferenceTable, type MetricSet } from "clickstream/metrics";
import type { KeyedState, StateRow } from "./keyed_state.ts";
import { attributesDocument, type ProductAttributes } from "./product_attributes.ts";

/** Most documents that one round writes, so that newer values of a busy key are not waited for long. */
const ROUND = 2000;

/** The online document of a key of an event set. */
export function stateDocument(set: MetricSet, row: StateRow, now: number): OnlineDocument {
  const keys = set.keys.map((column) => row[column]);
  return {
    id: documentId(keys),
    ...Object.fromEntries(set.keys.map((column, i) => [column, String(keys[i])])),
    event_time: formatTime(row.eventTime),
    ...row.values,
    ingest_ts: formatTime(row.ingestTime),
    current_ts: formatTime(now),
    version: row.version,
  };
}

/** What one set still has to write. */
interface Queue {
  state: KeyedState;
  dirty: Set<number>;
  /** Being written now. */
  writing: Set<number>;
  /** Ids of evicted keys, to be deleted. */
  deletions: string[];
  /** ETag of what this process wrote last, by slot. */
  etags: (string | undefined)[];
  /** Slots that may have a document this process did not write. */
  mayExist: Set<number>;
}

/** Keeps the online store in step with the state: changed keys are written, evicted ones deleted. */
export class OnlinePublisher {
  readonly #store: OnlineStore;
  readonly #queues: Map<string, Queue>;
  readonly #products = new Map<bigint, ProductAttributes>();
  readonly #now: () => number;
  #running: Promise<void> | null = null;
  #published = 0;

  /** @param now wall clock, milliseconds */
  constructor(store: OnlineStore, states: readonly KeyedState[], now: () => number) {
    this.#store = store;
    this.#now = now;
    this.#queues = new Map(states.map((state) => [state.set.name, {
      state,
      dirty: new Set(),
      writing: new Set(),
      deletions: [],
      etags: [],
      mayExist: new Set(),
    }]));
  }

  /** Documents written so far. */
  get published(): number {
    return this.#published;
  }

  /** Changes that the online store does not show yet. */
  get pending(): number {
    let sum = this.#products.size;
    for (const queue of this.#queues.values()) {
      sum += queue.dirty.size + queue.writing.size + queue.deletions.length;
    }
    return sum;
  }

  /** A slot's values changed. @param mayExist whether a document is there that this process did not write */
  changed(set: MetricSet, slot: number, mayExist: boolean): void {
    const queue = this.#queues.get(set.name)!;
    queue.dirty.add(slot);
    if (mayExist) queue.mayExist.add(slot);
  }

  /** A product's attributes changed. */
  productChanged(attributes: ProductAttributes): void {
    this.#products.set(attributes.product_id, attributes);
  }

  /** Whether a slot is waiting or being written, and so must not be evicted. */
  holds(set: MetricSet, slot: number): boolean {
    const queue = this.#queues.get(set.name)!;
    return queue.dirty.has(slot) || queue.writing.has(slot);
  }

  /** A key was evicted: its document goes. */
  evicted(set: MetricSet, row: StateRow): void {
    const queue = this.#queues.get(set.name)!;
    queue.deletions.push(documentId(set.keys.map((column) => row[column])));
    queue.etags[row.slot] = undefined;
    queue.mayExist.delete(row.slot);
  }

  /** Starts writing, unless it goes on already. The promise ends when nothing is left to write. */
  pump(): Promise<void> {
    this.#running ??= this.#drain().finally(() => this.#running = null);
    return this.#running;
  }

  async #drain(): Promise<void> {
    while (this.pending > 0) {
      for (const queue of this.#queues.values()) {
        await this.#delete(queue);
        await this.#write(queue);
      }
      await this.#writeProducts();
    }
  }

  async #delete(queue: Queue): Promise<void> {
    const ids = queue.deletions.splice(0, ROUND);
    if (ids.length > 0) await deleteDocuments(this.#container(queue), ids);
  }

  async #write(queue: Queue): Promise<void> {
    const slots: number[] = [];
    for (const slot of queue.dirty) {
      slots.push(slot);
      queue.dirty.delete(slot);
      queue.writing.add(slot);
      if (slots.length === ROUND) break;
    }
    if (slots.length === 0) return;
    const now = this.#now() * 1000;
    const outcomes = await publishDocuments(
      this.#container(queue),
      slots.map((slot) => {
        const etag = queue.etags[slot];
        const document = stateDocument(queue.state.set, queue.state.row(slot), now);
        return { document, mayExist: queue.mayExist.has(slot), ...(etag ? { etag } : {}) };
      }),
    );
    slots.forEach((slot, i) => {
      queue.writing.delete(slot);
      queue.etags[slot] = outcomes[i] ?? undefined;
    });
    this.#published += slots.length;
  }

  async #writeProducts(): Promise<void> {
    const products = [...this.#products.values()].slice(0, ROUND);
    if (products.length === 0) return;
    for (const product of products) this.#products.delete(product.product_id);
    await publishDocuments(
      containerOf(this.#store, PRODUCT_ATTRIBUTES_TABLE),
      products.map((product) => ({ document: attributesDocument(product), mayExist: true })),
    );
    this.#published += products.length;
  }

  #container(queue: Queue) {
    return containerOf(this.#store, inferenceTable(queue.state.set));
  }
}
