import { allEnded } from "clickstream/config";
import type { ShopEvent } from "clickstream/events";
import type { Lakehouse, TransactionId } from "clickstream/lakehouse";
import { eventSets, type MetricSet } from "clickstream/metrics";
import type { OnlinePublisher } from "./publisher.ts";
import { committedPositions, moveOn, transactions } from "./event_tables.ts";
import { mergeAttributes, mergeState, readStored } from "./gold_tables.ts";
import { KeyedState, type StateKey, type StateRow } from "./keyed_state.ts";
import { attributesOf, type ProductAttributes, replaces } from "./product_attributes.ts";
import type { Positions } from "./positions.ts";
import type { Share } from "./share.ts";
import { type PlacedEvent, type RecoveredState, recoverState } from "./recovery.ts";
import { TABLES } from "./tables.ts";

/** What gold has still to take in, as it stood between two micro-batches. */
export interface GoldChanges {
  sets: { state: KeyedState; rows: StateRow[] }[];
  products: ProductAttributes[];
}

/**
 * Everything the query keeps in memory: the event sets' keys, and products' attributes; with
 * which of them gold and the online store have still to be told.
 */
export class LiveState {
  readonly states: readonly KeyedState[] = eventSets.map((set) => new KeyedState(set));
  readonly #lake: Lakehouse;
  readonly #share: Share | null;
  #publisher!: OnlinePublisher;
  #recovered!: RecoveredState;
  /** What each gold table has taken in. */
  #held!: Map<string, Positions>;
  /** Slots that gold has not taken in, by set; and those it is taking in now. */
  readonly #dirty = new Map(eventSets.map((set) => [set.name, new Set<number>()]));
  readonly #merging = new Map(eventSets.map((set) => [set.name, new Set<number>()]));
  #dirtyProducts = new Map<bigint, ProductAttributes>();

  /** @param share what of the hub is read; null for all of it */
  constructor(lake: Lakehouse, share: Share | null = null) {
    this.#lake = lake;
    this.#share = share;
  }

  /** Number of keys held, by set. */
  get sizes(): Record<string, number> {
    return Object.fromEntries(this.states.map((state) => [state.set.name, state.size]));
  }

  /**
   * Fills the state from the tables, and tells the publisher what the online store may lack.
   *
   * @param from positions after which the hub will be read
   * @returns highest event time by partition
   */
  async recover(
    publisher: OnlinePublisher,
    from: ReadonlyMap<number, number>,
  ): Promise<Map<number, number>> {
    this.#publisher = publisher;
    const reached = { from, online: publisher.position };
    this.#recovered = await recoverState(this.#lake, this.states, reached, this.#share);
    const { counted, tail, unpublished, products, highest } = this.#recovered;
    this.#held = new Map([...counted].map(([set, taken]) => [set, new Map(taken)]));
    this.#held.set(TABLES.attributes, await committedPositions(this.#lake, TABLES.attributes));
    await this.#apply(tail, true);
    for (const state of this.states) {
      const keys = unpublished.filter((key): key is StateKey => key.user_session !== null);
      await this.#bringBack(state, keys);
      for (const key of keys) publisher.changed(state.set, state.slotOf(key), true);
    }
    for (const { product_id } of unpublished) publisher.productChanged(products.get(product_id)!);
    return highest;
  }

  /** Counts events, in order. Those that a set has taken in before this start are passed over. */
  async apply(events: readonly PlacedEvent[]): Promise<void> {
    await this.#apply(events, false);
  }

  /** @param mayExist whether the online store may show keys of these events that are new here */
  async #apply(events: readonly PlacedEvent[], mayExist: boolean): Promise<void> {
    await allEnded(this.states.map(async (state) => {
      const counted = this.#recovered.counted.get(state.set.name);
      const fresh = events.filter((e) =>
        e.event.user_session !== null && e.sequenceNumber > (counted?.get(e.partition) ?? -1)
      );
      await this.#bringBack(state, fresh.map(({ event }) => event as StateKey));
      for (const placed of fresh) this.#count(state, placed, mayExist);
    }));
    for (const { event } of events) this.#learn(event);
  }

  /**
   * Evicts what the watermark has passed; keys that gold waits for, or that are being written online,
   * stay.
   *
   * @param watermark microseconds since 1970
   * @returns a moment before which no key expires any more: the watermark, or less when keys stay
   */
  expire(watermark: number): number {
    let settled = watermark;
    for (const state of this.states) {
      const { set } = state;
      const [dirty, merging] = [this.#dirty.get(set.name)!, this.#merging.get(set.name)!];
      const held = (slot: number, eventTime: number) => {
        const stays = dirty.has(slot) || merging.has(slot) || this.#publisher.isWriting(set, slot);
        if (stays) settled = Math.min(settled, earliestExpiry(set, eventTime));
        return stays;
      };
      for (const row of state.expire(watermark, held)) this.#publisher.evicted(set, row);
    }
    return settled;
  }

  /** Takes what changed since the last time, as it stands now: to be called between micro-batches. */
  takeChanges(): GoldChanges {
    const products = [...this.#dirtyProducts.values()];
    this.#dirtyProducts = new Map();
    return {
      products,
      sets: this.states.map((state) => ({ state, rows: this.#takeDirty(state) })),
    };
  }

  /**
   * Merges changes into gold.
   *
   * @param ends last sequence number counted in the changes, by partition
   * @param now microseconds since 1970
   */
  async mergeGold(
    changes: GoldChanges,
    ends: ReadonlyMap<number, number>,
    now: number,
  ): Promise<void> {
    // First, as a restart goes on from the positions of the sets' tables.
    const { products } = changes;
    if (products.length > 0) {
      await this.#merge(
        TABLES.attributes,
        ends,
        (txn) => mergeAttributes(this.#lake, products, txn),
      );
    }
    for (const { state, rows } of changes.sets) {
      const { name } = state.set;
      if (rows.length > 0) {
        await this.#merge(name, ends, (txn) => mergeState(this.#lake, state, rows, txn, now));
      }
      this.#merging.get(name)!.clear();
    }
  }

  async #merge(
    name: string,
    ends: ReadonlyMap<number, number>,
    merge: (txn: TransactionId[]) => Promise<void>,
  ): Promise<void> {
    const held = this.#held.get(name)!;
    await merge(transactions(ends, held));
    moveOn(held, ends);
  }

  #takeDirty(state: KeyedState): StateRow[] {
    const dirty = this.#dirty.get(state.set.name)!;
    const merging = this.#merging.get(state.set.name)!;
    const rows = [...dirty].map((slot) => state.row(slot));
    for (const slot of dirty) merging.add(slot);
    dirty.clear();
    return rows;
  }

  /** Reloads keys that return after their eviction. */
  async #bringBack(state: KeyedState, keys: readonly StateKey[]): Promise<void> {
    const returning = new Map<string, StateKey>();
    for (const key of keys) {
      if (state.slotOf(key) >= 0 || !state.wasEvicted(key)) continue;
      returning.set(state.set.keys.map((column) => key[column]).join("|"), key);
    }
    if (returning.size === 0) return;
    for (const stored of await readStored(this.#lake, state.set, [...returning.values()])) {
      const slot = state.restore(stored);
      this.#publisher.returned(state.set, stored);
      this.#publisher.changed(state.set, slot, true);
    }
  }

  #count(state: KeyedState, placed: PlacedEvent, mayExist: boolean): void {
    const { event, sequenceNumber, ingestTime } = placed;
    const isNew = state.slotOf(event as StateKey) < 0;
    const slot = state.add({
      user_id: event.user_id,
      user_session: event.user_session!,
      product_id: event.product_id,
      eventTime: Number(event.event_time),
      eventType: event.event_type,
      price: event.price,
      ingestTime,
      sequenceNumber,
    });
    this.#dirty.get(state.set.name)!.add(slot);
    this.#publisher.changed(state.set, slot, mayExist || !isNew);
  }

  #learn(event: ShopEvent): void {
    const candidate = attributesOf(event);
    const held = this.#recovered.products.get(event.product_id);
    if (held !== undefined && !replaces(candidate, held)) return;
    this.#recovered.products.set(event.product_id, candidate);
    this.#dirtyProducts.set(event.product_id, candidate);
    this.#publisher.productChanged(candidate);
  }
}

/** The soonest that a key may expire, with or without a purchase. */
function earliestExpiry(set: MetricSet, eventTime: number): number {
  const { afterPurchaseHours, withoutPurchaseHours } = set.expiry!;
  return eventTime + Math.min(afterPurchaseHours, withoutPurchaseHours) * 3_600_000_000;
}
