import {
  type CountedEvent,
  countersPerKey,
  countEvent,
  expiresAfter,
  metricReaders,
  type MetricSet,
  type StateColumn,
  stateColumns,
  type StateValue,
} from "clickstream/metrics";
import { ExpiryWheel } from "./expiry_wheel.ts";
import { enlarged, KeyIndex } from "./key_index.ts";

/** What identifies a key of an event set. */
export interface StateKey {
  user_id: bigint;
  user_session: string;
  /** Not part of the key in sets that are not per product. */
  product_id: bigint;
}

/** One event, as the state counts it. */
export interface StateEvent extends StateKey, CountedEvent {
  /** Microseconds since 1970. */
  ingestTime: number;
  sequenceNumber: number;
}

/** The stored values of a key, as gold holds them. */
export interface StoredKey extends StateKey {
  /** In the order of the metrics' counters. */
  counts: number[];
  /** Microseconds since 1970. */
  eventTime: number;
  /** Further and kept columns by name. */
  further: Record<string, StateValue>;
  /** Microseconds since 1970. */
  ingestTime: number;
  version: number;
}

/** What is told of a key that was evicted. */
export interface EvictedKey extends StateKey {
  /** The slot that it had. */
  slot: number;
  version: number;
}

/** The current values of a key. */
export interface StateRow extends StateKey {
  /** Microseconds since 1970. */
  eventTime: number;
  /** Microseconds since 1970. */
  ingestTime: number;
  version: number;
  /** Metric, further and kept columns by name; times in microseconds since 1970. */
  values: Record<string, StateValue>;
}

/**
 * Keyed state of one event set: a slot per key in growing typed columns, so that millions of keys
 * stay small. An evicted key leaves a hash behind, by which it is recognised when it returns.
 */
export class KeyedState {
  readonly set: MetricSet;
  readonly #index: KeyIndex;
  readonly #wheel = new ExpiryWheel();
  readonly #free: number[] = [];
  readonly #evicted = new Set<number>();
  readonly #further: StateColumn[];
  /** How metric, further and kept columns of a slot are read. */
  readonly #values: Readonly<Record<string, (slot: number) => StateValue>>;
  #used = 0;
  #capacity = 0;
  #counts = new Int32Array(0);
  #eventTimes = new Float64Array(0);
  #ingestTimes = new Float64Array(0);
  #versions = new Float64Array(0);

  constructor(set: MetricSet) {
    this.set = set;
    this.#index = new KeyIndex(set.keys.includes("product_id"));
    this.#further = stateColumns(set);
    this.#values = Object.assign(
      {},
      ...Object.entries(metricReaders).map(([name, read]) => ({
        [name]: (slot: number) => read(this.#counts, slot * countersPerKey),
      })),
      ...this.#further.map((column) => column.readers),
    );
    this.#grow(1024);
  }

  /** Number of keys held. */
  get size(): number {
    return this.#index.size;
  }

  /** Slot of a key; -1 when it is not held. */
  slotOf(key: StateKey): number {
    return this.#index.find(key);
  }

  /** Whether a key that is not held was, almost surely, held before. */
  wasEvicted(key: StateKey): boolean {
    return this.#evicted.size > 0 && this.#evicted.has(this.#index.fingerprint(key));
  }

  /** Marks a key as evicted without ever holding it, as after a restart. */
  rememberEvicted(key: StateKey): void {
    this.#evicted.add(this.#index.fingerprint(key));
  }

  /** Takes a stored key in as it is, and returns its slot. */
  restore(stored: StoredKey): number {
    const slot = this.#take(stored);
    this.#counts.set(stored.counts, slot * countersPerKey);
    this.#eventTimes[slot] = stored.eventTime;
    this.#ingestTimes[slot] = stored.ingestTime;
    this.#versions[slot] = stored.version;
    for (const column of this.#further) column.restore(slot, stored.further);
    this.#wheel.schedule(slot, this.#expiry(slot));
    return slot;
  }

  /** Counts an event of a key, held or new, and returns its slot. */
  add(event: StateEvent): number {
    const held = this.#index.find(event);
    const slot = held < 0 ? this.#take(event) : held;
    countEvent(this.#counts, slot * countersPerKey, event.eventType);
    const newest = this.#eventTimes[slot]!;
    for (const column of this.#further) column.add(slot, event, newest);
    this.#eventTimes[slot] = Math.max(newest, event.eventTime);
    this.#ingestTimes[slot] = event.ingestTime;
    this.#versions[slot] = event.sequenceNumber;
    this.#wheel.schedule(slot, this.#expiry(slot));
    return slot;
  }

  /**
   * Evicts the keys that the watermark has passed.
   *
   * @param watermark microseconds since 1970
   * @param held whether a slot must stay for now, by its newest event time; it is tried again next time
   * @returns the evicted keys
   */
  expire(watermark: number, held: (slot: number, eventTime: number) => boolean): EvictedKey[] {
    const gone: EvictedKey[] = [];
    this.#wheel.turn(watermark, (slot) => this.#expiry(slot), (slot) => {
      if (held(slot, this.#eventTimes[slot]!)) return false;
      gone.push(this.#release(slot));
      return true;
    });
    return gone;
  }

  /** The current values of a slot. */
  row(slot: number): StateRow {
    const values: StateRow["values"] = {};
    for (const name in this.#values) values[name] = this.#values[name]!(slot);
    return {
      ...this.#index.key(slot),
      eventTime: this.#eventTimes[slot]!,
      ingestTime: this.#ingestTimes[slot]!,
      version: this.#versions[slot]!,
      values,
    };
  }

  /** The current values of slots, by column of the set's table: all but when they are written. */
  columns(slots: readonly number[]): Record<string, unknown[]> {
    const readers: Record<string, (slot: number) => unknown> = {
      ...Object.fromEntries(this.set.keys.map((name) => [name, this.#index.readers[name]])),
      ...this.#values,
      event_time: (slot) => this.#eventTimes[slot],
      ingest_ts: (slot) => this.#ingestTimes[slot],
      version: (slot) => this.#versions[slot],
    };
    return Object.fromEntries(
      Object.entries(readers).map(([name, read]) => [name, slots.map(read)]),
    );
  }

  #take(key: StateKey): number {
    const slot = this.#free.pop() ?? this.#used++;
    if (slot >= this.#capacity) this.#grow(slot * 2);
    this.#index.insert(slot, key);
    this.#counts.fill(0, slot * countersPerKey, (slot + 1) * countersPerKey);
    this.#eventTimes[slot] = -Infinity;
    for (const column of this.#further) column.clear(slot);
    return slot;
  }

  #release(slot: number): EvictedKey {
    const key = this.#index.key(slot);
    this.#index.remove(slot);
    this.#wheel.remove(slot);
    this.rememberEvicted(key);
    for (const column of this.#further) column.clear(slot);
    this.#eventTimes[slot] = -Infinity;
    this.#free.push(slot);
    return { slot, version: this.#versions[slot]!, ...key };
  }

  #expiry(slot: number): number {
    const at = slot * countersPerKey;
    return expiresAfter(this.set, this.#counts, at, this.#eventTimes[slot]!);
  }

  #grow(capacity: number): void {
    this.#capacity = capacity;
    this.#index.grow(capacity);
    this.#wheel.grow(capacity);
    for (const column of this.#further) column.grow(capacity);
    this.#counts = enlarged(this.#counts, new Int32Array(capacity * countersPerKey));
    this.#eventTimes = enlarged(this.#eventTimes, new Float64Array(capacity));
    this.#ingestTimes = enlarged(this.#ingestTimes, new Float64Array(capacity));
    this.#versions = enlarged(this.#versions, new Float64Array(capacity));
  }
}
