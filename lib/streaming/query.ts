import { eventSets } from "clickstream/metrics";
import { noBatchLog, openBatchLog } from "./batch_log.ts";
import { BatchPlan, endsOf } from "./batch_plan.ts";
import { Cadence } from "./cadence.ts";
import { decodeMessage, type HubMessage } from "./decode.ts";
import { queryFailure, StreamError } from "./errors.ts";
import { EventTables } from "./event_tables.ts";
import { HubReader } from "./hub_reader.ts";
import { KeyedState } from "./keyed_state.ts";
import { LiveState } from "./live_state.ts";
import { livePositions } from "./positions.ts";
import { OnlinePublisher } from "./publisher.ts";
import { readQuery, writeQuery } from "./query_files.ts";
import type { PlacedEvent } from "./recovery.ts";
import { placed, type Share } from "./share.ts";
import { type HistoryFile, readState, streamFiles } from "./state_file.ts";
import { type LiveStream, nothingDone, type StreamOptions, type StreamStatus } from "./stream.ts";
import { Watermark } from "./watermark.ts";

const KEPT_TIMES = 200;

/** What silver has reached, in event time; microseconds since 1970. */
interface Reached {
  watermark: number;
  newest: number;
  /** By partition. */
  highest: ReadonlyMap<number, number>;
}

/** A running streaming query. Long work goes on behind it; ask {@link status}, then {@link stop}. */
export class StreamingQuery implements LiveStream {
  readonly #options: Required<StreamOptions>;
  /** What of the hub is read; null for all of it. */
  readonly #share: Share | null;
  #state!: LiveState;
  #publisher!: OnlinePublisher;
  readonly #processed = new Map<number, number>();
  /** What {@link status} reckons with; the rest of it is looked up when asked for. */
  readonly #status = nothingDone();
  #tables!: EventTables;
  #watermark!: Watermark;
  /** What is on disk: a restart does not go below that watermark, so keys may expire by it. */
  #reached: Reached = { watermark: -Infinity, newest: -Infinity, highest: new Map() };
  /** Last sequence numbers that an earlier process may have told the online store of. */
  #earlier: ReadonlyMap<number, number> = new Map();
  #expiryIsDue = true;
  #plan!: BatchPlan;
  #hub!: HubReader;
  #stopping = false;
  /** Whether it ends as it stands, without what it has received. */
  #left = false;
  #loop: Promise<void> = Promise.resolve();
  #committing: Promise<void> | null = null;
  #cadence!: Cadence;

  /** @param share what of the hub is read, when other queries of a group read the rest */
  constructor(options: StreamOptions, share: Share | null = null) {
    this.#share = share;
    this.#options = {
      commitMillis: 1000,
      goldMillis: 10_000,
      maxBatch: 10_000,
      now: Date.now,
      ...options,
    };
  }

  /** Restores the state and begins to read. Called once. */
  async start(): Promise<void> {
    try {
      await this.#restore();
      const { committed } = this.#tables;
      await this.#hub.start(committed, (error) => this.#fail(error), this.#share?.partitions);
    } catch (error) {
      await this.#close();
      throw error;
    }
    this.#writeFile();
    this.#loop = this.#run();
  }

  async #restore(): Promise<void> {
    const { config, lake, store, connectionString, now } = this.#options;
    const files = streamFiles(config);
    const history = readState<HistoryFile>(files.history);
    if (history === null) {
      throw new StreamError(
        "The live half has nothing to go on from: run 1a_publish_historical_data first.",
      );
    }
    this.#tables = await EventTables.open(lake);
    const log = this.#share === null ? openBatchLog(files.batches) : noBatchLog;
    this.#plan = new BatchPlan(log, this.#tables.committed);
    const { watermark, online } = livePositions(config);
    // A micro-batch that was planned noted the watermark before the query's file did.
    const before = Math.max(watermark, this.#plan.watermark);
    const states = eventSets.map((set) => new KeyedState(set));
    this.#publisher = new OnlinePublisher(store, states, online, now);
    this.#state = new LiveState(lake, states, this.#publisher);
    const highest = await this.#state.recover(this.#tables.committed, this.#share);
    const { consumerGroup } = config.eventHubs;
    this.#hub = await HubReader.open({ connectionString, consumerGroup });
    // A member of a group plans no batches.
    this.#earlier = this.#share === null ? this.#plan.recovered : new Map(this.#hub.ends);
    this.#watermark = new Watermark(this.#hub.ends.size, now(), highest, before);
    this.#reached = { ...this.#watermark.now, watermark: before };
    for (const [partition, end] of this.#tables.committed) {
      if (this.#reads(partition)) this.#processed.set(partition, end);
    }
    this.#cadence = new Cadence(this.#options);
  }

  #reads(partition: number): boolean {
    return this.#share?.partitions.includes(partition) ?? true;
  }

  /** What the query has done so far. */
  status(): StreamStatus {
    const watermark = this.#watermark.value;
    const newest = this.#watermark.newest;
    return {
      ...this.#status,
      committed: total(
        [...this.#processed.keys()].map((p) => (this.#tables.committed.get(p) ?? -1) + 1),
      ),
      lag: this.#lag,
      onlinePending: this.#publisher.pending,
      published: this.#publisher.published,
      keys: this.#state.sizes,
      watermark: Number.isFinite(watermark) ? watermark : null,
      newestEventTime: Number.isFinite(newest) ? newest : null,
    };
  }

  /** Messages in the hub that are not processed yet. */
  get #lag(): number {
    const behind = (p: number, end: number) => end - (this.#processed.get(p) ?? -1);
    return total([...this.#hub.ends].map(([p, end]) => this.#reads(p) ? behind(p, end) : 0));
  }

  hasCommitted(ends: ReadonlyMap<number, number>): boolean {
    return [...ends].every(([p, end]) => (this.#tables.committed.get(p) ?? -1) >= end);
  }

  async stop(): Promise<StreamStatus> {
    this.#stopping = true;
    await this.#loop;
    if (this.#status.state === "running") {
      try {
        await this.#state.settled();
        await this.#commitAndMerge();
        await this.#publisher.pump();
        this.#expire();
        await this.#publisher.pump();
        this.#status.state = "stopped";
      } catch (error) {
        this.#fail(error);
      }
    }
    await this.#close();
    this.#writeFile();
    if (this.#status.error !== null) throw this.#status.error;
    return this.status();
  }

  /** Ends the query as it stands: whoever goes on takes up what the tables do not hold yet. */
  async abandon(): Promise<StreamStatus> {
    this.#stopping = this.#left = true;
    this.#hub.buffer.release();
    await this.#loop;
    await this.#publisher.abandon();
    if (this.#status.state === "running") this.#status.state = "stopped";
    await this.#close();
    return this.status();
  }

  async #run(): Promise<void> {
    let useless = 0;
    try {
      while (!this.#stopping && this.#status.state === "running") {
        await this.#hub.buffer.arrival(100, useless);
        // With messages there at once, commits and look-ups would get no turn.
        await new Promise((resolve) => setImmediate(resolve));
        // Failed or left meanwhile, the buffer has let go of what it held: what comes now follows a gap.
        if (this.#left || this.#status.state !== "running") break;
        await this.#nextBatch();
        // What waits for the rest of a planned batch: looking again at once would spin.
        const { buffer } = this.#hub;
        useless = this.#plan.waits(buffer, this.#processed) ? buffer.size : 0;
        const lag = this.#lag;
        this.#cadence.observe(lag);
        if (this.#committing !== null) continue;
        const due = this.#cadence.due(lag);
        if (due === "merge") {
          await this.#state.settled();
          this.#background(() => this.#commitAndMerge());
        } else if (due === "commit") this.#background(() => this.#commit());
      }
      await this.#committing;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Forms, logs and processes one micro-batch. */
  async #nextBatch(): Promise<void> {
    const messages = this.#plan.take(this.#hub.buffer, this.#processed, {
      most: this.#options.maxBatch,
      watermark: this.#watermark.value,
    });
    if (messages.length > 0) {
      const started = performance.now();
      this.#process(messages);
      keepTime(this.#status.batchMillis, started);
      this.#status.batches += 1;
    }
    this.#watermark.advance(this.#options.now());
    if (this.#expiryIsDue) {
      await this.#state.settled();
      this.#expire();
    }
    this.#publish();
  }

  #publish(): void {
    if (this.#cadence.publishBegins()) this.#publisher.begin((error) => this.#fail(error));
  }

  /** Evicts what has expired. To be called between micro-batches, after a commit, when settled. */
  #expire(): void {
    this.#expiryIsDue = false;
    const ends = new Map(this.#processed);
    this.#publisher.mark({ ends, watermark: this.#state.expire(this.#reached.watermark) });
  }

  #process(messages: readonly HubMessage[]): void {
    const now = this.#options.now();
    const events: PlacedEvent[] = [];
    for (const message of messages) {
      const readable = decodeMessage(message);
      const decoded = this.#share === null ? readable : placed(readable, this.#share);
      let isLate = false;
      if (decoded.event === null) this.#status.rejected += 1;
      else {
        const { event } = decoded;
        const { partition, sequenceNumber, enqueuedTime } = message;
        isLate = this.#watermark.observe(partition, Number(event.event_time), now);
        if (isLate) this.#status.late += 1;
        const ingestTime = Number(event.ingest_ts ?? enqueuedTime);
        events.push({ event, partition, sequenceNumber, ingestTime });
      }
      this.#tables.add(decoded, isLate, now * 1000);
    }
    const mayExist = messages.some(({ partition, sequenceNumber }) =>
      sequenceNumber <= (this.#earlier.get(partition) ?? -1)
    );
    this.#state.apply(events, mayExist);
    for (const [partition, end] of endsOf(messages)) this.#processed.set(partition, end);
    this.#status.messages += messages.length;
  }

  #background(work: () => Promise<void>): void {
    this.#committing = work()
      .catch((error) => this.#fail(error))
      .finally(() => this.#committing = null);
  }

  async #commit(): Promise<void> {
    const ends = new Map(this.#processed);
    const reached = this.#watermark.now;
    const moved = [...ends].some(([p, end]) => end > (this.#tables.committed.get(p) ?? -1));
    if (moved) await this.#tables.commit(ends);
    this.#plan.forget(this.#tables.committed);
    this.#reached = reached;
    this.#writeFile();
  }

  async #commitAndMerge(): Promise<void> {
    // Taken now, between two micro-batches: rows and positions must be of the same moment.
    const changes = this.#state.takeChanges();
    const ends = new Map(this.#processed);
    await this.#commit();
    const started = performance.now();
    await this.#state.mergeGold(changes, ends, this.#options.now() * 1000);
    keepTime(this.#status.mergeMillis, started);
  }

  #fail(cause: unknown): void {
    if (this.#status.error !== null) return;
    this.#status.state = "failed";
    this.#status.error = queryFailure(cause);
    this.#writeFile();
    this.#hub?.buffer.release();
  }

  async #close(): Promise<void> {
    await this.#hub?.close();
    // What still reads tables should have ended before they are let go.
    await this.#state?.settled().catch(() => {});
    this.#plan?.close();
  }

  #writeFile(): void {
    const { config, now } = this.#options;
    const { watermark, newest, highest } = this.#reached;
    const { position } = this.#publisher;
    const own = [...this.#tables.committed].filter(([partition]) => this.#reads(partition));
    writeQuery(config, {
      state: this.#status.state,
      pid: Deno.pid,
      committed: Object.fromEntries(own),
      watermark: finite(watermark),
      newestEventTime: finite(newest),
      highest: Object.fromEntries(highest),
      seen: Object.fromEntries(this.#watermark.seen),
      written: now(),
      online: {
        ends: Object.fromEntries(position.ends),
        watermark: finite(position.watermark),
      },
      error: this.#status.error?.message ?? null,
    }, this.#share);
    if (this.#share !== null) this.#learnFromOthers();
    this.#expiryIsDue = true;
  }

  /** The watermark is over all partitions, those of other queries of the group among them. */
  #learnFromOthers(): void {
    const { highest = {}, seen = {} } = readQuery(this.#options.config) ?? {};
    for (const partition of this.#hub.ends.keys()) {
      if (this.#reads(partition)) continue;
      this.#watermark.learn(partition, highest[partition], seen[partition]);
    }
  }
}

/** Notes how long something took, forgetting the oldest. */
function keepTime(times: number[], started: number): void {
  times.push(performance.now() - started);
  if (times.length > KEPT_TIMES) times.shift();
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
