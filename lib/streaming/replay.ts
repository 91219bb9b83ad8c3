import type { EventHubProducerClient } from "@azure/event-hubs";
import { Buffer } from "node:buffer";
import { backOff, type Config, pause } from "clickstream/config";
import { type EventMessage, messageOf } from "clickstream/events";
import { type Lakehouse, records } from "clickstream/lakehouse";
import { StreamError } from "./errors.ts";
import { hubEnds, hubError, isFinal, openProducer, openSender } from "./hub.ts";
import { whileStarting } from "./live_lock.ts";
import { PresentRows } from "./present_rows.ts";
import {
  type PartState,
  readState,
  type ReplayFile,
  streamFiles,
  writeState,
} from "./state_file.ts";
import { sendByKey } from "./send_by_key.ts";
import { TABLES } from "./tables.ts";

/** What a replay sends, and how fast. */
export interface ReplayOptions {
  config: Config;
  lake: Lakehouse;
  /** Connection string with EntityPath. */
  connectionString: string;
  /** How many times faster than it happened; `max` sends as fast as the hub takes it. */
  speed: number | "max";
  /** Distinct event times after which the replay ends; null sends all. @default null */
  maxTimestamps?: number | null;
  /** Connections that send, each to partitions of its own, so that order is kept. @default 1 */
  producers?: number;
  /** Wall clock, milliseconds. @default Date.now */
  now?: () => number;
}

/** How far a replay is. */
export interface ReplayStatus {
  state: PartState;
  /** Rows that the hub has acknowledged, those of earlier runs included. */
  sent: number;
  /** Rows there are to send. */
  total: number;
  /** Event time of the newest row sent, microseconds since 1970; null before the first. */
  eventTime: number | null;
  /** Milliseconds that the replay is behind its schedule; 0 at `max`. */
  driftMillis: number;
  error: StreamError | null;
}

const CHUNK = 20_000;
/** Rows sent between two looks at the clock and the checkpoint, at `max`. */
const WINDOW = 4000;
const CHECKPOINT_MILLIS = 1000;
/** Failures to send in a row after which the replay gives up: about half a minute. */
const MOST_FAILURES = 9;

/** Starts to send the staged real-time events to the hub, from where an earlier replay ended. */
export async function startReplay(options: ReplayOptions): Promise<Replay> {
  return await whileStarting(options.config, async () => {
    const replay = new Replay(options);
    await replay.start();
    return replay;
  });
}

/** A running replay. Long work goes on behind it; ask {@link status}, wait for {@link finished}. */
export class Replay {
  readonly #options: Required<ReplayOptions>;
  readonly #path: string;
  /** Asks the hub, again after a failure; {@link #senders} send, once. */
  readonly #producer: EventHubProducerClient;
  readonly #senders: readonly EventHubProducerClient[];
  #file!: ReplayFile;
  readonly #present = new PresentRows();
  #partitions = 0;
  #stopping = false;
  #started = 0;
  #firstTime: number | null = null;
  #timestamps = 0;
  #drift = 0;
  #lastCheckpoint = 0;
  #lastRow = 0;
  #error: StreamError | null = null;

  /** Ends with the final status; never rejects: a failure is in `state` and `error`. */
  finished: Promise<ReplayStatus> = Promise.resolve(this.status());

  constructor(options: ReplayOptions) {
    this.#options = { maxTimestamps: null, producers: 1, now: Date.now, ...options };
    this.#path = streamFiles(options.config).replay;
    const { connectionString } = options;
    this.#producer = openProducer({ connectionString });
    this.#senders = Array.from(
      { length: Math.max(1, this.#options.producers) },
      () => openSender({ connectionString }),
    );
  }

  /** Finds out what the hub has already, and begins to send. Called once, by {@link startReplay}. */
  async start(): Promise<void> {
    const before = readState<ReplayFile>(this.#path);
    const [row] = await records(
      this.#options.lake,
      `select count(*) as total from ${TABLES.staged} where data_set = 'real-time'`,
    );
    this.#file = {
      state: "running",
      pid: Deno.pid,
      sent: before?.sent ?? 0,
      ...(before?.erased === undefined ? {} : { erased: before.erased }),
      total: Number(row!.total),
      ends: null,
      sentThrough: before?.sentThrough ?? 0,
      positions: before?.positions ?? {},
      eventTime: before?.eventTime ?? null,
      error: null,
    };
    if (before !== null) {
      await this.#readPresent();
      this.#file.sent = await this.#countThrough(this.#file.sentThrough) + this.#present.size;
    }
    this.#partitions = (await this.#producer.getPartitionIds()).length;
    this.#write();
    this.#started = this.#options.now();
    this.finished = this.#run();
  }

  /** How far the replay is. */
  status(): ReplayStatus {
    return {
      state: this.#file?.state ?? "running",
      sent: this.#file?.sent ?? 0,
      total: this.#file?.total ?? 0,
      eventTime: this.#file?.eventTime ?? null,
      driftMillis: this.#drift,
      error: this.#error,
    };
  }

  /** Ends the replay after what is being sent; a later replay goes on from there. */
  async stop(): Promise<ReplayStatus> {
    this.#stopping = true;
    return await this.finished;
  }

  async #readPresent(): Promise<void> {
    const { connectionString, config, lake } = this.#options;
    const { consumerGroup } = config.eventHubs;
    await this.#present.read({ connectionString, consumerGroup }, lake, this.#file);
  }

  async #countThrough(stagedRow: number): Promise<number> {
    const [row] = await records(
      this.#options.lake,
      `select count(*) as n from ${TABLES.staged}
       where data_set = 'real-time' and staged_row <= ${stagedRow}`,
    );
    return Number(row!.n);
  }

  async #run(): Promise<ReplayStatus> {
    let state: PartState = "done";
    try {
      await this.#sendAll();
      if (this.#stopping) state = "stopped";
      this.#file.ends = Object.fromEntries(await hubEnds(this.#producer));
      if (this.#lastRow >= this.#present.newest) {
        this.#file.positions = this.#file.ends;
        this.#file.sentThrough = Math.max(this.#file.sentThrough, this.#lastRow);
      }
    } catch (cause) {
      state = "failed";
      this.#error = cause instanceof StreamError ? cause : hubError("take the replay", cause);
    }
    this.#file = { ...this.#file, state, error: this.#error?.message ?? null };
    this.#write();
    await Promise.allSettled([this.#producer, ...this.#senders].map((client) => client.close()));
    return this.status();
  }

  async #sendAll(): Promise<void> {
    let from = this.#file.sentThrough;
    while (!this.#stopping) {
      const rows = await this.#readRows(from);
      if (rows.length === 0) return;
      from = Number(rows.at(-1)!.staged_row);
      const missing = rows.filter((row) => !this.#present.has(row.staged_row));
      for (const group of this.#groups(missing)) {
        if (this.#stopping) return;
        await this.#pace(group);
        await this.#checkpoint(group);
        await this.#deliver(group);
        if (this.#reachedLimit()) return;
      }
    }
  }

  /** Next rows in the order of their time. */
  async #readRows(after: number): Promise<EventMessage[]> {
    const rows = await records(
      this.#options.lake,
      `select * exclude (event_time), epoch_us(event_time) as event_time from ${TABLES.staged}
       where data_set = 'real-time' and staged_row > ${after} order by staged_row limit ${CHUNK}`,
    );
    return rows as unknown as EventMessage[];
  }

  /** Splits rows into what is sent together: one timestamp when paced, a window at `max`. */
  *#groups(rows: EventMessage[]): Generator<EventMessage[]> {
    const paced = this.#options.speed !== "max" || this.#options.maxTimestamps !== null;
    let start = 0;
    for (let i = 1; i <= rows.length; i++) {
      const ends = i === rows.length ||
        (paced ? rows[i]!.event_time !== rows[start]!.event_time : i - start === WINDOW);
      if (!ends) continue;
      yield rows.slice(start, i);
      start = i;
    }
  }

  /** Waits until the group is due: from the first one's start, so that delays do not add up. */
  async #pace(group: EventMessage[]): Promise<void> {
    const { speed, now } = this.#options;
    if (speed === "max") return;
    const time = Number(group[0]!.event_time);
    this.#firstTime ??= time;
    const due = this.#started + (time - this.#firstTime) / 1000 / speed;
    let left: number;
    while ((left = due - now()) > 0 && !this.#stopping) await pause(Math.min(left, 200));
    this.#drift = Math.max(0, now() - due);
  }

  /** Sends rows in the order of their time, each to the partition of its user. */
  async #send(group: EventMessage[]): Promise<void> {
    const ingested = BigInt(this.#options.now()) * 1000n;
    const keyed = group.map((row) => ({
      key: String(row.user_id),
      event: {
        body: Buffer.from(messageOf({ ...row, ingest_ts: ingested })),
        contentType: "application/json",
      },
    }));
    await sendByKey(this.#senders, this.#partitions, keyed);
  }

  /**
   * Sends a group. After a failure the hub is asked what of it has arrived, and the rest is sent: a
   * batch whose acknowledgement was lost is there all the same.
   */
  async #deliver(group: EventMessage[]): Promise<void> {
    let rest = group;
    for (let failures = 0; rest.length > 0;) {
      try {
        if (failures > 0) {
          await this.#readPresent();
          rest = rest.filter((row) => !this.#present.has(row.staged_row));
        }
        await this.#send(rest);
        rest = [];
      } catch (error) {
        failures += 1;
        if (failures > MOST_FAILURES || isFinal(error as Error)) throw error;
        await backOff(failures, 250);
      }
    }
    this.#file.sent += group.length;
    this.#lastRow = Number(group.at(-1)!.staged_row);
    this.#file.eventTime = Number(group.at(-1)!.event_time);
    this.#timestamps += 1;
  }

  #reachedLimit(): boolean {
    const { maxTimestamps } = this.#options;
    return maxTimestamps !== null && this.#timestamps >= maxTimestamps;
  }

  /**
   * Notes, between groups, that all rows before this one are in the hub: whoever goes on later
   * reads the hub from these positions and finds what was sent since.
   */
  async #checkpoint(group: EventMessage[]): Promise<void> {
    const now = this.#options.now();
    if (Math.abs(now - this.#lastCheckpoint) < CHECKPOINT_MILLIS) return;
    // Rows that an earlier run sent out of turn lie behind the positions known now.
    if (Number(group[0]!.staged_row) <= this.#present.newest) return;
    this.#lastCheckpoint = now;
    this.#file.positions = Object.fromEntries(await hubEnds(this.#producer));
    this.#file.sentThrough = Number(group[0]!.staged_row) - 1;
    this.#write();
  }

  #write(): void {
    writeState(this.#path, this.#file);
  }
}
