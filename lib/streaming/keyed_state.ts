import {
  type CountedEvent,
  countersPerKey,
  countEvent,
  expiresAfter,
  type MetricSet,
  metricValues,
  type StateColumn,
  stateColumns,
  type StateValue,
} from "clickstream/metrics";

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

/** The current values of a key. */
export interface StateRow extends StateKey {
  slot: number;
  /** Microseconds since 1970. */
  eventTime: number;
  /** Microseconds since 1970. */
  ingestTime: number;
  version: number;
  /** Metric, further and kept columns by name; times in microseconds since 1970. */
  values: Record<string, StateValue>;
}

const BUCKET_MICROS = 3_600_000_000;

/**
 * Keyed state of one event set: a slot per key in growing typed columns, so that millions of keys
 * stay small. An evicted key leaves a hash behind, by which it is recognised when it returns.
 */
export class KeyedState {
  readonly set: MetricSet;
  readonly #perProduct: boolean;
  readonly #slots = new Map<string, number>();
  readonly #free: number[] = [];
  readonly #evicted = new Set<number>();
  /** Slots by the hour in which they expire; a slot whose expiry moved on also stands in older hours. */
  readonly #hours = new Map<number, Set<number>>();
  readonly #further: StateColumn[];
  #used = 0;
  #counts = new Int32Array(0);
  #eventTimes = new Float64Array(0);
  #ingestTimes = new Float64Array(0);
  #versions = new Float64Array(0);
  #users = new BigInt64Array(0);
  #products = new BigInt64Array(0);
  readonly #sessions: string[] = [];

  constructor(set: MetricSet) {
    this.set = set;
    this.#perProduct = set.keys.includes("product_id");
    this.#further = stateColumns(set);
    this.#grow(1024);
  }

  /** Number of keys held. */
  get size(): number {
    return this.#slots.size;
  }

  /** Slot of a key; -1 when it is not held. */
  slotOf(key: StateKey): number {
    return this.#slots.get(this.#name(key)) ?? -1;
  }

  /** Whether a key that is not held was, almost surely, held before. */
  wasEvicted(key: StateKey): boolean {
    return this.#evicted.size > 0 && this.#evicted.has(hash53(this.#name(key)));
  }

  /** Marks a key as evicted without ever holding it, as after a restart. */
  rememberEvicted(key: StateKey): void {
    this.#evicted.add(hash53(this.#name(key)));
  }

  /** Takes a stored key in as it is, and returns its slot. */
  restore(stored: StoredKey): number {
    const slot = this.#take(stored);
    this.#counts.set(stored.counts, slot * countersPerKey);
    this.#eventTimes[slot] = stored.eventTime;
    this.#ingestTimes[slot] = stored.ingestTime;
    this.#versions[slot] = stored.version;
    for (const column of this.#further) column.restore(slot, stored.further);
    this.#schedule(slot);
    return slot;
  }

  /** Counts an event of a key, held or new, and returns its slot. */
  add(event: StateEvent): number {
    const slot = this.#slots.get(this.#name(event)) ?? this.#take(event);
    countEvent(this.#counts, slot * countersPerKey, event.eventType);
    const newest = this.#eventTimes[slot]!;
    for (const column of this.#further) column.add(slot, event, newest);
    this.#eventTimes[slot] = Math.max(newest, event.eventTime);
    this.#ingestTimes[slot] = event.ingestTime;
    this.#versions[slot] = event.sequenceNumber;
    this.#schedule(slot);
    return slot;
  }

  /**
   * Evicts the keys that the watermark has passed.
   *
   * @param watermark microseconds since 1970
   * @param held slots that must stay for now; they are tried again next time
   * @returns what the evicted keys held last
   */
  expire(watermark: number, held: (slot: number) => boolean): StateRow[] {
    const gone: StateRow[] = [];
    const newest = Math.floor(watermark / BUCKET_MICROS);
    for (const hour of [...this.#hours.keys()].filter((h) => h <= newest)) {
      const members = this.#hours.get(hour)!;
      for (const slot of members) {
        const expiry = this.#expiry(slot);
        const movedOn = Math.floor(expiry / BUCKET_MICROS) !== hour;
        if (!movedOn && (expiry >= watermark || held(slot))) continue;
        members.delete(slot);
        if (!movedOn) gone.push(this.#release(slot));
      }
      if (members.size === 0) this.#hours.delete(hour);
    }
    return gone;
  }

  /** The current values of a slot. */
  row(slot: number): StateRow {
    const at = slot * countersPerKey;
    return {
      slot,
      user_id: this.#users[slot]!,
      user_session: this.#sessions[slot]!,
      product_id: this.#products[slot]!,
      eventTime: this.#eventTimes[slot]!,
      ingestTime: this.#ingestTimes[slot]!,
      version: this.#versions[slot]!,
      values: Object.assign(
        metricValues(this.#counts, at),
        ...this.#further.map((column) => column.values(slot)),
      ),
    };
  }

  #name(key: StateKey): string {
    return this.#perProduct
      ? `${key.user_id}|${key.product_id}|${key.user_session}`
      : `${key.user_id}|${key.user_session}`;
  }

  #take(key: StateKey): number {
    const slot = this.#free.pop() ?? this.#used++;
    if (slot >= this.#versions.length) this.#grow(slot * 2);
    this.#slots.set(this.#name(key), slot);
    this.#users[slot] = key.user_id;
    this.#products[slot] = key.product_id;
    this.#sessions[slot] = key.user_session;
    this.#counts.fill(0, slot * countersPerKey, (slot + 1) * countersPerKey);
    this.#eventTimes[slot] = -Infinity;
    for (const column of this.#further) column.clear(slot);
    return slot;
  }

  #release(slot: number): StateRow {
    const row = this.row(slot);
    const name = this.#name(row);
    this.#slots.delete(name);
    this.#evicted.add(hash53(name));
    for (const column of this.#further) column.clear(slot);
    this.#eventTimes[slot] = -Infinity;
    this.#free.push(slot);
    return row;
  }

  #expiry(slot: number): number {
    const at = slot * countersPerKey;
    return expiresAfter(this.set, this.#counts, at, this.#eventTimes[slot]!);
  }

  #schedule(slot: number): void {
    const hour = Math.floor(this.#expiry(slot) / BUCKET_MICROS);
    let members = this.#hours.get(hour);
    if (members === undefined) this.#hours.set(hour, members = new Set());
    members.add(slot);
  }

  #grow(capacity: number): void {
    for (const column of this.#further) column.grow(capacity);
    this.#counts = enlarged(this.#counts, new Int32Array(capacity * countersPerKey));
    this.#eventTimes = enlarged(this.#eventTimes, new Float64Array(capacity));
    this.#ingestTimes = enlarged(this.#ingestTimes, new Float64Array(capacity));
    this.#versions = enlarged(this.#versions, new Float64Array(capacity));
    this.#users = enlarged(this.#users, new BigInt64Array(capacity));
    this.#products = enlarged(this.#products, new BigInt64Array(capacity));
  }
}

function enlarged<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** A 53-bit hash of a text: two FNV-1a rounds with different primes. */
function hash53(text: string): number {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x85ebca6b);
  }
  return (high >>> 11) * 4294967296 + (low >>> 0);
}
