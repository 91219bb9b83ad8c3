import { Buffer } from "node:buffer";
import { rmSync } from "node:fs";
import type { EventHubProducerClient } from "@azure/event-hubs";
import type { Config } from "clickstream/config";
import { type Lakehouse, mergeInto, quoteText, records, snapshot } from "clickstream/lakehouse";
import { lastBatch } from "./daily.ts";
import { decodeMessage } from "./decode.ts";
import { hubEnds, openProducer, openSender, readToEnd } from "./hub.ts";
import { withLiveHalfStopped } from "./live_lock.ts";
import { storedMessage } from "./rebuild.ts";
import { type KeyedEvent, sendByKey } from "./send_by_key.ts";
import {
  readState,
  type ReplayFile,
  type RequeueFile,
  streamFiles,
  writeState,
} from "./state_file.ts";
import { createLiveTables, TABLES } from "./tables.ts";

/** What {@link requeueRejected} works on. */
export interface RequeueOptions {
  config: Config;
  lake: Lakehouse;
  /** Connection string with EntityPath. */
  connectionString: string;
  /** Only messages with this reason, or with this text in their detail. @default all */
  reason?: string;
  /** Whether readable messages are sent; else they are only counted. @default false */
  write?: boolean;
}

/** What became of rejected messages. */
export interface Requeued {
  /** Rejected messages that were not sent again before, and were tried now. */
  tried: number;
  /** Those of them that are events by today's rules. */
  readable: number;
  /** Those of them that were sent. */
  sent: number;
  /** Messages that an earlier run, cut off, had sent and not marked. */
  recovered: number;
}

/** Where a rejected message stands. */
interface Place {
  partition: number;
  sequenceNumber: number;
}

const PAGE = 10_000;
/** Says beside the body which rejected message was sent again: `partition/sequence number`. */
const ORIGIN = "requeued_from";

/**
 * Decodes rejected messages anew and, with `write`, sends those that are events now through the hub
 * again, as they were received, to the partition of their user. Each sent one is marked in rejected
 * (`requeued_ts`) and never sent again, also when this was cut off between the two. 2b reads them
 * when it is started next.
 *
 * @throws {StreamError} while the live half runs, or when the hub cannot be reached
 */
export async function requeueRejected(options: RequeueOptions): Promise<Requeued> {
  lastBatch(options.config); // says what to do when there is no history
  return await withLiveHalfStopped(options.config, "deno task requeue", () => requeue(options));
}

async function requeue(options: RequeueOptions): Promise<Requeued> {
  const { config, lake, connectionString, write = false } = options;
  await createLiveTables(lake);
  const result: Requeued = { tried: 0, readable: 0, sent: 0, recovered: 0 };
  if (write) result.recovered = await markSent(options);
  const producer = openProducer({ connectionString });
  // What a failure leaves open, the next run finds out.
  const sender = openSender({ connectionString });
  try {
    if (write) await noteStart(config, producer);
    let last: Place | null = null;
    while (true) {
      const rows = await readPage(options, last);
      if (rows.length === 0) break;
      last = placeOf(rows.at(-1)!);
      const readable = rows.map(keyedEvent).filter((found) => found !== null);
      result.tried += rows.length;
      result.readable += readable.length;
      if (!write || readable.length === 0) continue;
      const partitions = (await producer.getPartitionIds()).length;
      await sendByKey([sender], partitions, readable.map(({ keyed }) => keyed));
      await mark(lake, readable.map(({ place }) => place));
      result.sent += readable.length;
    }
    if (write) await noteEnd(config, producer);
  } finally {
    await Promise.all([producer.close(), sender.close()]);
  }
  return result;
}

/** Rejected messages that were sent again. */
export async function countRequeued(lake: Lakehouse): Promise<number> {
  const { fields } = await snapshot(lake, TABLES.rejected);
  if (!fields.some((field) => field.name === "requeued_ts")) return 0;
  const [row] = await records(lake, `select count(requeued_ts) as n from ${TABLES.rejected}`);
  return Number(row!.n);
}

async function readPage(
  { lake, reason }: RequeueOptions,
  last: Place | null,
): Promise<Record<string, unknown>[]> {
  const wanted = reason === undefined
    ? "true"
    : `(reason = ${quoteText(reason)} or contains(detail, ${quoteText(reason)}))`;
  const after = last === null
    ? "true"
    : `(partition, sequence_number) > (${last.partition}, ${last.sequenceNumber})`;
  return await records(
    lake,
    `select partition, sequence_number, "offset", epoch_us(enqueued_ts) as enqueued, body,
       body_encoding from ${TABLES.rejected} where requeued_ts is null and ${wanted} and ${after}
     order by partition, sequence_number limit ${PAGE}`,
  );
}

function placeOf(row: Record<string, unknown>): Place {
  return { partition: Number(row.partition), sequenceNumber: Number(row.sequence_number) };
}

/** What to send for a row of rejected; null when it still is no event. */
function keyedEvent(row: Record<string, unknown>): { place: Place; keyed: KeyedEvent } | null {
  const place = placeOf(row);
  const message = storedMessage(row);
  const { event } = decodeMessage(message);
  if (event === null) return null;
  const properties = { [ORIGIN]: `${place.partition}/${place.sequenceNumber}` };
  const sent = { body: Buffer.from(message.body), contentType: "application/json", properties };
  return { place, keyed: { key: String(event.user_id), event: sent } };
}

async function mark(lake: Lakehouse, places: readonly Place[]): Promise<void> {
  const columns = {
    partition: places.map((place) => place.partition),
    sequence_number: places.map((place) => place.sequenceNumber),
  };
  await mergeInto(lake, TABLES.rejected, { columns }, {
    keys: ["partition", "sequence_number"],
    whenMatched: {
      update: { requeued_ts: "cast(now() as timestamp)" },
      condition: "target.requeued_ts is null",
    },
    whenNotMatched: "ignore",
  });
}

/** Marks what an earlier run sent and could not mark: the hub itself tells. */
async function markSent({ config, lake, connectionString }: RequeueOptions): Promise<number> {
  const file = readState<RequeueFile>(streamFiles(config).requeue);
  if (file === null) return 0;
  const { consumerGroup } = config.eventHubs;
  const found = new Map<string, Place>();
  await readToEnd({ connectionString, consumerGroup }, file.positions, (messages) => {
    for (const { properties } of messages) {
      const origin = properties?.[ORIGIN];
      if (typeof origin !== "string") continue;
      const [partition, sequenceNumber] = origin.split("/").map(Number) as [number, number];
      found.set(origin, { partition, sequenceNumber });
    }
  });
  if (found.size === 0) return 0;
  const before = await countRequeued(lake);
  await mark(lake, [...found.values()]);
  return await countRequeued(lake) - before;
}

/** Notes, before anything is sent, from where on the hub tells what was. */
async function noteStart(config: Config, producer: EventHubProducerClient): Promise<void> {
  const positions = Object.fromEntries(await hubEnds(producer));
  writeState<RequeueFile>(streamFiles(config).requeue, { positions });
}

/** Lets 2b end only when it has committed what was sent, too. */
async function noteEnd(config: Config, producer: EventHubProducerClient): Promise<void> {
  const files = streamFiles(config);
  const replay = readState<ReplayFile>(files.replay);
  if (replay !== null && replay.ends !== null) {
    writeState<ReplayFile>(files.replay, {
      ...replay,
      ends: Object.fromEntries(await hubEnds(producer)),
    });
  }
  rmSync(files.requeue);
}
