import { appendTo, type Lakehouse, snapshot, type TransactionId } from "clickstream/lakehouse";
import { type ColumnBuffer, emptyBuffer, pushRow } from "./columns.ts";
import type { DecodedMessage } from "./decode.ts";
import type { Positions } from "./positions.ts";
import { bronzeColumns, rejectedColumns, silverColumns, TABLES } from "./tables.ts";

/** Name under which the query's commits are known (`txn` appId is this, a slash, the partition). */
export const QUERY_NAME = "electronics_events";

const COLUMNS = { bronze: bronzeColumns, rejected: rejectedColumns, silver: silverColumns };
type EventTable = keyof typeof COLUMNS;
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
    const { partition, sequenceNumber } = message.position;
    const isNew = (table: EventTable) => sequenceNumber > (this.#held[table].get(partition) ?? -1);
    if (isNew("bronze")) pushRow(this.#pending.bronze, bronzeRow(message, now));
    if (message.event === null) {
      if (isNew("rejected")) pushRow(this.#pending.rejected, rejectedRow(message, now));
    } else if (isNew("silver")) {
      pushRow(this.#pending.silver, silverRow(message, isLate, now));
    }
  }

  /**
   * Appends what was gathered; silver's commit names the positions even when it adds no row.
   *
   * @param ends last sequence number gathered, by partition
   */
  async commit(ends: ReadonlyMap<number, number>): Promise<void> {
    const buffers = this.#pending;
    this.#pending = newBuffers();
    for (const table of COMMIT_ORDER) {
      const buffer = buffers[table];
      if (buffer.rows === 0 && table !== "silver") continue;
      const held = this.#held[table];
      await appendTo(this.#lake, TABLES[table], { columns: buffer.columns }, {
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

function newBuffers(): Record<EventTable, ColumnBuffer> {
  return {
    bronze: emptyBuffer(bronzeColumns),
    rejected: emptyBuffer(rejectedColumns),
    silver: emptyBuffer(silverColumns),
  };
}

function position(message: DecodedMessage) {
  const { partition, offset, sequenceNumber, enqueuedTime } = message.position;
  return { partition, offset, sequence_number: sequenceNumber, enqueued_ts: enqueuedTime };
}

function bronzeRow(message: DecodedMessage, now: number): Record<string, unknown> {
  return {
    ...position(message),
    body: message.body,
    body_encoding: message.bodyEncoding,
    ingest_ts: message.event?.ingest_ts ?? null,
    current_ts: now,
  };
}

/** A message as a row of electronics_events_rejected; `now` in microseconds since 1970. */
export function rejectedRow(message: DecodedMessage, now: number): Record<string, unknown> {
  return {
    ...position(message),
    body: message.body,
    body_encoding: message.bodyEncoding,
    reason: message.reason,
    detail: message.detail,
    current_ts: now,
    requeued_ts: null,
  };
}

/** An event as a row of electronics_events_silver; `now` in microseconds since 1970. */
export function silverRow(
  message: DecodedMessage,
  isLate: boolean,
  now: number,
): Record<string, unknown> {
  const { partition, sequenceNumber, enqueuedTime } = message.position;
  return {
    ...message.event,
    is_late: isLate,
    partition,
    sequence_number: sequenceNumber,
    ingest_ts: message.event!.ingest_ts ?? enqueuedTime,
    current_ts: now,
  };
}
