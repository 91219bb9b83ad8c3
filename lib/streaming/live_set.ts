import type { Lakehouse } from "clickstream/lakehouse";
import type { MetricSet } from "clickstream/metrics";
import { readStored } from "./gold_tables.ts";
import type { KeyedState, StateKey, StoredKey } from "./keyed_state.ts";
import type { Positions } from "./positions.ts";
import type { OnlinePublisher } from "./publisher.ts";
import type { PlacedEvent } from "./recovery.ts";

/** Changed keys of a set: their number, and their values by column of its gold table. */
export interface SetChanges {
  rows: number;
  columns: Record<string, unknown[]>;
}

/**
 * One event set in a query's memory: its state, and of which keys gold and the online store have still
 * to be told. Keys that return after their eviction are looked up in gold; their events wait for that,
 * the others do not. Keys that return meanwhile are looked up together in the next go.
 */
export class LiveSet {
  readonly state: KeyedState;
  readonly #lake: Lakehouse;
  readonly #publisher: OnlinePublisher;
  /** What the state had taken in when the query started; last sequence number by partition. */
  #counted: Positions = new Map();
  /** Slots that gold has not taken in; and those it is taking in now. */
  readonly #dirty = new Set<number>();
  readonly #merging = new Set<number>();
  /** Events of keys that gold is being asked for, or will be next. */
  #waiting: PlacedEvent[] = [];
  /** Ends when nothing waits any more; stays, when gold could not be read. */
  #lookingUp: Promise<void> | null = null;

  constructor(state: KeyedState, lake: Lakehouse, publisher: OnlinePublisher) {
    this.state = state;
    this.#lake = lake;
    this.#publisher = publisher;
  }

  /** Says what the state has taken in before the first event: those are passed over. */
  begin(counted: Positions): void {
    this.#counted = counted;
  }

  /**
   * Counts events, in order of each key; what it has to wait for is counted by the time that
   * {@link settled} ends.
   *
   * @param mayExist whether the online store may show keys of these events that are new here
   */
  apply(events: readonly PlacedEvent[], mayExist: boolean): void {
    for (const placed of events) {
      const { event, partition, sequenceNumber } = placed;
      if (event.user_session === null) continue;
      if (sequenceNumber <= (this.#counted.get(partition) ?? -1)) continue;
      const isNew = this.state.slotOf(event as StateKey) < 0;
      if (isNew && this.state.wasEvicted(event as StateKey)) this.#waiting.push(placed);
      else this.#count(placed, mayExist || !isNew);
    }
    if (this.#waiting.length === 0 || this.#lookingUp !== null) return;
    this.#lookingUp = this.#lookUp();
    // Whoever asks whether it is settled is told.
    this.#lookingUp.catch(() => {});
  }

  /** Ends when every event is counted. @throws {Error} when gold could not be read */
  async settled(): Promise<void> {
    await this.#lookingUp;
  }

  /** Makes sure that keys are held, as after a restart, and that the online store is told of them. */
  async publishAgain(keys: readonly StateKey[]): Promise<void> {
    const gone = this.#byName(
      keys.filter((key) => this.state.slotOf(key) < 0 && this.state.wasEvicted(key)),
    );
    if (gone.size > 0) {
      this.#restore(await readStored(this.#lake, this.state.set, [...gone.values()]));
    }
    for (const key of keys) this.#publisher.changed(this.state.set, this.state.slotOf(key), true);
  }

  /**
   * Evicts what the watermark has passed; keys that gold waits for, or that are being written online,
   * stay. To be called when {@link settled}.
   *
   * @param watermark microseconds since 1970
   * @returns a moment before which no key expires any more: the watermark, or less when keys stay
   */
  expire(watermark: number): number {
    this.#assertSettled();
    const { set } = this.state;
    let settled = watermark;
    const held = (slot: number, eventTime: number) => {
      const stays = this.#dirty.has(slot) || this.#merging.has(slot) ||
        this.#publisher.isWriting(set, slot);
      if (stays) settled = Math.min(settled, earliestExpiry(set, eventTime));
      return stays;
    };
    for (const key of this.state.expire(watermark, held)) this.#publisher.evicted(set, key);
    return settled;
  }

  /** What gold has still to take in, as it stands now. To be called when {@link settled}. */
  takeChanges(): SetChanges {
    this.#assertSettled();
    const slots = [...this.#dirty];
    for (const slot of slots) this.#merging.add(slot);
    this.#dirty.clear();
    return { rows: slots.length, columns: this.state.columns(slots) };
  }

  /** Gold has taken in what was taken. */
  merged(): void {
    this.#merging.clear();
  }

  #assertSettled(): void {
    if (this.#waiting.length === 0) return;
    throw new Error(
      `${this.#waiting.length} events of ${this.state.set.name} are not counted yet.`,
    );
  }

  async #lookUp(): Promise<void> {
    while (this.#waiting.length > 0) {
      const asked = this.#byName(this.#waiting.map(({ event }) => event as StateKey));
      const found = await readStored(this.#lake, this.state.set, [...asked.values()]);
      // At once, as a later event of a key that is held again would be counted before these.
      this.#restore(found);
      const waited = this.#waiting;
      this.#waiting = [];
      for (const placed of waited) {
        // Gold does not know a key that only looked like one held before; it is new.
        if (asked.has(this.#nameOf(placed.event as StateKey))) this.#count(placed, true);
        else this.#waiting.push(placed);
      }
    }
    this.#lookingUp = null;
  }

  /** Takes keys in again as gold holds them. */
  #restore(found: readonly StoredKey[]): void {
    const { set } = this.state;
    for (const stored of found) {
      const slot = this.state.restore(stored);
      this.#publisher.returned(set, stored);
      this.#publisher.changed(set, slot, true);
    }
  }

  /** Each key once. */
  #byName(keys: readonly StateKey[]): ReadonlyMap<string, StateKey> {
    return new Map(keys.map((key) => [this.#nameOf(key), key]));
  }

  #nameOf(key: StateKey): string {
    return this.state.set.keys.map((column) => key[column]).join("|");
  }

  #count({ event, sequenceNumber, ingestTime }: PlacedEvent, mayExist: boolean): void {
    const slot = this.state.add({
      user_id: event.user_id,
      user_session: event.user_session!,
      product_id: event.product_id,
      eventTime: Number(event.event_time),
      eventType: event.event_type,
      price: event.price,
      ingestTime,
      sequenceNumber,
    });
    this.#dirty.add(slot);
    this.#publisher.changed(this.state.set, slot, mayExist);
  }
}

/** The soonest that a key may expire, with or without a purchase. */
function earliestExpiry(set: MetricSet, eventTime: number): number {
  const { afterPurchaseHours, withoutPurchaseHours } = set.expiry!;
  return eventTime + Math.min(afterPurchaseHours, withoutPurchaseHours) * 3_600_000_000;
}
