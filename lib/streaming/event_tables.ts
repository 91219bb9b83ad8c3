import { EVENT_COLUMNS } from "clickstream/events";
import { appendTo, type Lakehouse, snapshot, type TransactionId } from "clickstream/lakehouse";
import { ColumnBuffer, type ColumnReaders } from "./columns.ts";
import type { DecodedMessage } from "./decode.ts";
import type { Positions } from "./positions.ts";
import { bronzeColumns, rejectedColumns, silverColumns, TABLES } from "./tables.ts";

/** Name under which the query's commits are known (`txn` appId is this, a slash, the partition). */
export const QUERY_NAME = "electronics_events";

const COLUMNS = { bronze: bronzeColumns, rejected: rejectedColumns, silver: silverColumns };
type EventTable = keyof typeof COLUMNS;

/** What a row of the tables is made of. */
export interface TableMessage {
  message: DecodedMessage;
  isLate: boolean;
  /** When the row is made, microseconds since 1970. */
  now: number;
}

/** Silver last: what its commit names is in the other two already. */
const COMMIT_ORDER: EventTable[] = ["bronze", "rejected", "silver"];

/**
 * Bronze, silver and rejected: gathers messages and appends them in few commits, each table
 * leaving out what an earlier process committed already.
 */
export class EventTables {
  readonly #lake: Lakehouse;
  readonly #held: Record<EventTable, Positions>;
  #pending = newBuffers();

  private constructor(lake: Lakehouse, held: Record<EventTable, Positions>) {
    this.#lake = lake;
    this.#held = held;
  }

  /** Opens the tables, reading what they hold. */
  static async open(lake: Lakehouse): Promise<EventTables> {
    const [bronze, rejected, silver] = await Promise.all(
      COMMIT_ORDER.map((table) => committedPositions(lake, TABLES[table])),
    );
    return new EventTables(lake, { bronze: bronze!, rejected: rejected!, silver: silver! });
  }

  /** What silver (and so all three) holds. */
  get committed(): ReadonlyMap<number, number> {
    return this.#held.silver;
  }

  /** Gathers a message for the tables that do not hold it yet. */
  add(message: DecodedMessage, isLate: boolean, now: number): void {
    const { partition, sequenceNumber } = message.source;
    const isNew = (table: EventTable) => sequenceNumber > (this.#held[table].get(partition) ?? -1);
    const row = { message, isLate, now };
    if (isNew("bronze")) this.#pending.bronze.push(row);
    const table = message.event === null ? "rejected" : "silver";
    if (isNew(table)) this.#pending[table].push(row);
  }

  /**
   * Appends what was gathered; silver's commit names the positions even when it adds no row.
   *
   * @param ends last sequence number gathered, by partition
   */
  async commit(ends: ReadonlyMap<number, number>): Promise<void> {
    const pending = this.#pending;
    this.#pending = newBuffers();
    for (const table of COMMIT_ORDER) {
      const { rows, columns } = pending[table];
      if (rows === 0 && table !== "silver") continue;
      const held = this.#held[table];
      await appendTo(this.#lake, TABLES[table], { columns }, {
        txn: transactions(ends, held),
        operation: "STREAMING UPDATE",
      });
      moveOn(held, ends);
    }
  }
}

/** Positions that a table's commits of this query name, up to a version; the newest by default. */
export async function committedPositions(
  lake: Lakehouse,
  table: string,
  version?: number,
): Promise<Positions> {
  const { txns } = await snapshot(lake, table, version === undefined ? {} : { version });
  const positions: Positions = new Map();
  for (const [appId, version] of txns) {
    const [query, partition] = appId.split("/");
    if (query === QUERY_NAME) positions.set(Number(partition), version);
  }
  return positions;
}

/**
 * The `txn` actions of a commit. It is refused when the table holds other positions than this query
 * knows of: then another one took its place. Partitions that did not move are left out.
 *
 * @param held what the table holds, as far as this query knows
 */
export function transactions(
  ends: ReadonlyMap<number, number>,
  held: ReadonlyMap<number, number>,
): TransactionId[] {
  return [...ends].flatMap(([partition, version]) => {
    const after = held.get(partition) ?? -1;
    return version > after ? [{ appId: `${QUERY_NAME}/${partition}`, version, after }] : [];
  });
}

/** Notes that a table holds more than before. */
export function moveOn(held: Positions, ends: ReadonlyMap<number, number>): void {
  for (const [partition, end] of ends) {
    held.set(partition, Math.max(end, held.get(partition) ?? -1));
  }
}

/** A buffer for rows of one of the tables. */
export function eventBuffer(table: EventTable): ColumnBuffer<TableMessage> {
  return new ColumnBuffer(COLUMNS[table], READERS[table]);
}

function newBuffers(): Record<EventTable, ColumnBuffer<TableMessage>> {
  return {
    bronze: eventBuffer("bronze"),
    rejected: eventBuffer("rejected"),
    silver: eventBuffer("silver"),
  };
}

const place: ColumnReaders<TableMessage> = {
  partition: ({ message }) => message.source.partition,
  offset: ({ message }) => message.source.offset,
  sequence_number: ({ message }) => message.source.sequenceNumber,
  enqueued_ts: ({ message }) => message.source.enqueuedTime,
  body: ({ message }) => message.source.body,
  body_encoding: ({ message }) => message.source.bodyEncoding,
  current_ts: ({ now }) => now,
};

const READERS: Record<EventTable, ColumnReaders<TableMessage>> = {
  bronze: { ...place, ingest_ts: ({ message }) => message.event?.ingest_ts ?? null },
  rejected: {
    ...place,
    reason: ({ message }) => message.reason,
    detail: ({ message }) => message.detail,
    requeued_ts: () => null,
  },
  silver: {
    ...Object.fromEntries(
      EVENT_COLUMNS.map(({ name }) => [name, ({ message }: TableMessage) => message.event![name]]),
    ),
    is_late: ({ isLate }) => isLate,
    partition: place.partition!,
    sequence_number: place.sequence_number!,
    ingest_ts: ({ message }) => message.event!.ingest_ts ?? message.source.enqueuedTime,
    current_ts: place.current_ts!,
  },
};
