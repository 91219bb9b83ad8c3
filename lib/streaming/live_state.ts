import { allEnded } from "clickstream/config";
import type { ShopEvent } from "clickstream/events";
import type { Lakehouse, TransactionId } from "clickstream/lakehouse";
import { committedPositions, moveOn, transactions } from "./event_tables.ts";
import { mergeAttributes, mergeState } from "./gold_tables.ts";
import type { KeyedState, StateKey } from "./keyed_state.ts";
import { LiveSet, type SetChanges } from "./live_set.ts";
import type { Positions } from "./positions.ts";
import { attributesOf, type ProductAttributes, replaces } from "./product_attributes.ts";
import type { OnlinePublisher } from "./publisher.ts";
import { type PlacedEvent, recoverState } from "./recovery.ts";
import type { Share } from "./share.ts";
import { TABLES } from "./tables.ts";

/** What gold has still to take in, as it stood between two micro-batches. */
export interface GoldChanges {
  sets: { live: LiveSet; changes: SetChanges }[];
  products: ProductAttributes[];
}

/**
 * Everything the query keeps in memory: the event sets' keys, and products' attributes; with
 * which of them gold and the online store have still to be told.
 */
export class LiveState {
  readonly #lake: Lakehouse;
  readonly #publisher: OnlinePublisher;
  readonly #sets: readonly LiveSet[];
  /** Newest attributes by product; and those that gold has not taken in. */
  #products!: Map<bigint, ProductAttributes>;
  #dirtyProducts = new Map<bigint, ProductAttributes>();
  /** What each gold table has taken in. */
  #held!: Map<string, Positions>;

  /** @param states empty state of each event set */
  constructor(lake: Lakehouse, states: readonly KeyedState[], publisher: OnlinePublisher) {
    this.#lake = lake;
    this.#publisher = publisher;
    this.#sets = states.map((state) => new LiveSet(state, lake, publisher));
  }

  /** Number of keys held, by set. */
  get sizes(): Record<string, number> {
    return Object.fromEntries(this.#sets.map(({ state }) => [state.set.name, state.size]));
  }

  /**
   * Fills the state from the tables, and tells the publisher what the online store may lack.
   *
   * @param from positions after which the hub will be read
   * @param share what of the hub is read; null for all of it
   * @returns highest event time by partition
   */
  async recover(
    from: ReadonlyMap<number, number>,
    share: Share | null,
  ): Promise<Map<number, number>> {
    const states = this.#sets.map(({ state }) => state);
    const reached = { from, online: this.#publisher.position };
    const recovered = await recoverState(this.#lake, states, reached, share);
    const { counted, tail, unpublished, products, highest } = recovered;
    this.#products = products;
    this.#held = new Map([...counted].map(([set, taken]) => [set, new Map(taken)]));
    this.#held.set(TABLES.attributes, await committedPositions(this.#lake, TABLES.attributes));
    for (const live of this.#sets) live.begin(counted.get(live.state.set.name)!);
    this.apply(tail, true);
    await this.settled();
    const keys = unpublished.filter((key): key is StateKey => key.user_session !== null);
    for (const live of this.#sets) await live.publishAgain(keys);
    for (const { product_id } of unpublished) {
      this.#publisher.productChanged(products.get(product_id)!);
    }
    return highest;
  }

  /**
   * Counts events, in order; those that a set has taken in before this start are passed over. Some
   * have to wait for gold: every one is counted once {@link settled} ends.
   *
   * @param mayExist whether the online store may show keys of these events that are new here
   */
  apply(events: readonly PlacedEvent[], mayExist: boolean): void {
    for (const live of this.#sets) live.apply(events, mayExist);
    for (const { event } of events) this.#learn(event);
  }

  /** Ends when every event is counted. @throws {Error} when gold could not be read */
  async settled(): Promise<void> {
    await allEnded(this.#sets.map((live) => live.settled()));
  }

  /**
   * Evicts what the watermark has passed, as far as gold and the online store allow. To be called
   * between micro-batches, when {@link settled}.
   *
   * @param watermark microseconds since 1970
   * @returns a moment before which no key expires any more: the watermark, or less when keys stay
   */
  expire(watermark: number): number {
    return Math.min(...this.#sets.map((live) => live.expire(watermark)));
  }

  /**
   * Takes what changed since the last time, as it stands now. To be called between micro-batches,
   * when {@link settled}.
   */
  takeChanges(): GoldChanges {
    const products = [...this.#dirtyProducts.values()];
    this.#dirtyProducts = new Map();
    return { products, sets: this.#sets.map((live) => ({ live, changes: live.takeChanges() })) };
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
    for (const { live, changes: { rows, columns } } of changes.sets) {
      const { set } = live.state;
      if (rows > 0) {
        await this.#merge(
          set.name,
          ends,
          (txn) => mergeState(this.#lake, set, columns, txn, now),
        );
      }
      live.merged();
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

  #learn(event: ShopEvent): void {
    const candidate = attributesOf(event);
    const held = this.#products.get(event.product_id);
    if (held !== undefined && !replaces(candidate, held)) return;
    this.#products.set(event.product_id, candidate);
    this.#dirtyProducts.set(event.product_id, candidate);
    this.#publisher.productChanged(candidate);
  }
}
