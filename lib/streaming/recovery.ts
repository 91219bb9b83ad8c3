import type { ShopEvent } from "clickstream/events";
import { type Lakehouse, records } from "clickstream/lakehouse";
import { eventSets } from "clickstream/metrics";
import { loadState } from "./gold_tables.ts";
import type { KeyedState, StateKey } from "./keyed_state.ts";
import { attributesOf, type ProductAttributes } from "./product_attributes.ts";
import { beyond, type Positions, upTo } from "./positions.ts";
import type { OnlinePosition } from "./publisher.ts";
import type { Share } from "./share.ts";
import { TABLES } from "./tables.ts";

/** An event of silver, with its place. */
export interface PlacedEvent {
  event: ShopEvent;
  partition: number;
  sequenceNumber: number;
  /** Microseconds since 1970. */
  ingestTime: number;
}

/** What a query starts from. */
export interface RecoveredState {
  /** Positions that each event set's state (and gold) has taken in; later events still count. */
  counted: Map<string, Positions>;
  /** Events that silver holds and some gold table does not, in order. */
  tail: PlacedEvent[];
  /** Highest event time by partition, microseconds since 1970; of all partitions. */
  highest: Map<number, number>;
  /** Newest attributes by product. */
  products: Map<bigint, ProductAttributes>;
  /** Keys of silver's events that the online store may not show yet; null session: only the product. */
  unpublished: (Omit<StateKey, "user_session"> & { user_session: string | null })[];
}

/**
 * Restores the state of a query from the tables: gold, plus the tail of silver that gold has not
 * taken in. Keys that the online store may still show are held though they may have expired since.
 *
 * @param from positions after which the hub is read. What another query commits beyond them while
 *   this one starts is left to the hub: taken from silver as well, it would count twice
 * @param online how far the online store was before this start
 * @param share what of the hub is read; null for all of it
 */
export async function recoverState(
  lake: Lakehouse,
  states: readonly KeyedState[],
  { from, online }: { from: ReadonlyMap<number, number>; online: OnlinePosition },
  share: Share | null,
): Promise<RecoveredState> {
  const counted = new Map<string, Positions>();
  for (const state of states) {
    counted.set(state.set.name, await loadState(lake, state, online.watermark, share));
  }
  const within = `${upTo(from)} and ${inShare(share)}`;
  return {
    counted,
    tail: await silverTail(lake, counted, within),
    highest: await highestTimes(lake),
    products: await loadProducts(lake),
    unpublished: await unpublishedKeys(lake, online.ends, within),
  };
}

async function silverTail(
  lake: Lakehouse,
  counted: Map<string, Positions>,
  within: string,
): Promise<PlacedEvent[]> {
  const floors: Positions = new Map();
  for (const partition of new Set([...counted.values()].flatMap((taken) => [...taken.keys()]))) {
    const taken = eventSets.map((set) => counted.get(set.name)?.get(partition) ?? -1);
    floors.set(partition, Math.min(...taken));
  }
  const rows = await records(
    lake,
    `select *, epoch_us(event_time) as event_micros, epoch_us(ingest_ts) as ingest_micros
     from ${TABLES.silver} where ${beyond(floors)} and ${within}
     order by partition, sequence_number`,
  );
  return rows.map((row) => ({
    event: { ...row, event_time: BigInt(row.event_micros as bigint) } as unknown as ShopEvent,
    partition: Number(row.partition),
    sequenceNumber: Number(row.sequence_number),
    ingestTime: Number(row.ingest_micros),
  }));
}

async function unpublishedKeys(
  lake: Lakehouse,
  ends: ReadonlyMap<number, number>,
  within: string,
): Promise<RecoveredState["unpublished"]> {
  return await records(
    lake,
    `select distinct user_id, user_session, product_id from ${TABLES.silver}
     where ${beyond(ends)} and ${within}`,
  ) as unknown as RecoveredState["unpublished"];
}

/** SQL condition over silver of events in a share. */
function inShare(share: Share | null): string {
  return share === null ? "true" : `partition in (${share.partitions.join(", ")})`;
}

async function highestTimes(lake: Lakehouse): Promise<Map<number, number>> {
  const rows = await records(
    lake,
    `select partition, epoch_us(max(event_time)) as highest from ${TABLES.silver}
     where partition is not null group by partition`,
  );
  return new Map(rows.map((row) => [Number(row.partition), Number(row.highest)]));
}

async function loadProducts(lake: Lakehouse): Promise<Map<bigint, ProductAttributes>> {
  const rows = await records(
    lake,
    `select product_id, category_id, category_code, brand, price,
       epoch_us(event_time) as event_micros from ${TABLES.attributes}`,
  );
  return new Map(rows.map((row) => {
    const event = { ...row, event_time: row.event_micros } as unknown as ShopEvent;
    return [event.product_id, attributesOf(event)];
  }));
}
