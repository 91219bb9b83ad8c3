import { BlobCheckpointStore } from "@azure/eventhubs-checkpointstore-blob";
import { ContainerClient } from "@azure/storage-blob";
import { azureCredential, type Config, pause, reasonOf } from "clickstream/config";
import { ConflictError } from "clickstream/lakehouse";
import { queryFailure, StreamError } from "./errors.ts";
import { hubError, isTakenOver, openConsumer } from "./hub.ts";
import { whileStarting } from "./live_lock.ts";
import { Ownership } from "./ownership.ts";
import { StreamingQuery } from "./query.ts";
import { readQuery } from "./query_files.ts";
import { type LiveStream, nothingDone, type StreamOptions, type StreamStatus } from "./stream.ts";

/** How fast members of a group notice each other. */
export interface GroupOptions extends StreamOptions {
  /** Milliseconds between two renewals of this member's claims. @default 3000 */
  renewMillis?: number;
  /** Milliseconds after which others may take the partitions of a member that is gone. @default 20000 */
  lapseMillis?: number;
}

/**
 * Joins the consumer group of the configuration: claims a fair share of the partitions in the
 * checkpoint store and reads them; as members come and go, partitions move.
 *
 * @throws {StreamError} when the hub or the checkpoint store cannot be reached
 */
export async function joinGroup(options: GroupOptions): Promise<GroupMember> {
  const { config, connectionString, renewMillis = 3000, lapseMillis = 20_000 } = options;
  const { consumerGroup } = config.eventHubs;
  const hub = openConsumer({ connectionString, consumerGroup });
  try {
    const partitions = (await hub.getPartitionIds().catch((error) => {
      throw hubError("say which partitions it has", error);
    })).map(Number);
    const blobs = checkpointBlobs(config.checkpointStore);
    await blobs.createIfNotExists().catch((error) => {
      throw storeUnreachable(error);
    });
    const ownership = new Ownership({
      store: new BlobCheckpointStore(blobs),
      fullyQualifiedNamespace: hub.fullyQualifiedNamespace,
      eventHubName: hub.eventHubName,
      consumerGroup,
      partitions,
      lapseMillis,
    });
    return new GroupMember(options, ownership, partitions.length, renewMillis);
  } finally {
    await hub.close();
  }
}

/** Where members agree: by a connection string, or by an account's address and who is signed in. */
export function checkpointBlobs(
  { connectionString, container }: Config["checkpointStore"],
): ContainerClient {
  if (!/^https?:\/\//.test(connectionString)) {
    return new ContainerClient(connectionString, container);
  }
  return new ContainerClient(
    `${connectionString.replace(/\/+$/, "")}/${container}`,
    azureCredential(),
  );
}

/**
 * A member of a consumer group. Whenever its partitions change, it leaves the query that it has where
 * it stands and starts another one, which takes up from the tables. So there is one way to begin,
 * after a crash as after a move; and what an outdated query would still commit, the tables refuse.
 */
export class GroupMember implements LiveStream {
  readonly #options: StreamOptions;
  readonly #ownership: Ownership;
  /** Partitions of the hub. */
  readonly #of: number;
  readonly #leaving = new AbortController();
  readonly #loop: Promise<void>;
  #query: StreamingQuery | null = null;
  #reading: readonly number[] = [];
  #wanted: readonly number[] = [];
  #regrouping: Promise<void> | null = null;
  /** What queries that were left have done. */
  #before: StreamStatus = nothingDone();
  #error: StreamError | null = null;

  constructor(options: StreamOptions, ownership: Ownership, of: number, renewMillis: number) {
    this.#options = options;
    this.#ownership = ownership;
    this.#of = of;
    this.#loop = this.#run(renewMillis);
  }

  /** The partitions that it reads now. */
  get partitions(): readonly number[] {
    return this.#query === null ? [] : this.#reading;
  }

  status(): StreamStatus {
    const now = together(this.#before, this.#query?.status() ?? null);
    return this.#error === null ? now : { ...now, state: "failed", error: this.#error };
  }

  /** Whether silver holds everything up to these positions, whichever member committed it. */
  hasCommitted(ends: ReadonlyMap<number, number>): boolean {
    const committed = readQuery(this.#options.config)?.committed ?? {};
    return [...ends].every(([partition, end]) => (committed[partition] ?? -1) >= end);
  }

  /** Ends the member in order, and hands its partitions to the others at once. */
  async stop(): Promise<StreamStatus> {
    this.#leaving.abort();
    await this.#loop;
    await this.#regrouping;
    const query = this.#query;
    try {
      if (query !== null) await query.stop();
    } catch (error) {
      // Taken over in the last moment: the one who did has it all.
      if (!wasTakenOver(error)) this.#error ??= error as StreamError;
    }
    await this.#ownership.release().catch(() => {}); // else the claims lapse
    if (this.#error !== null) throw this.#error;
    return { ...this.status(), state: "stopped", error: null };
  }

  async #run(renewMillis: number): Promise<void> {
    const { signal } = this.#leaving;
    while (!signal.aborted && this.#error === null) {
      // Out of reach for a while, the store leaves everything as it is: the tables guard themselves.
      this.#wanted = await this.#ownership.renew().catch(() => this.#wanted);
      if (this.#regrouping === null && this.#isDue()) {
        this.#regrouping = this.#regroup(this.#wanted).finally(() => this.#regrouping = null);
      }
      await pause(renewMillis, signal).catch(() => {});
    }
  }

  #isDue(): boolean {
    return this.#wanted.join() !== this.partitions.join() ||
      this.#query?.status().state === "failed";
  }

  async #regroup(partitions: readonly number[]): Promise<void> {
    try {
      await this.#leave();
      if (partitions.length === 0) return;
      const query = new StreamingQuery(this.#options, { partitions, of: this.#of });
      await whileStarting(this.#options.config, () => query.start());
      [this.#query, this.#reading] = [query, partitions];
    } catch (error) {
      if (wasTakenOver(error)) return; // claims are looked at again before the next try
      this.#error = queryFailure(error);
      await this.#ownership.release().catch(() => {});
    }
  }

  /** Leaves the query where it stands. @throws {StreamError} when it had failed by itself */
  async #leave(): Promise<void> {
    if (this.#query === null) return;
    const query = this.#query;
    const ended = await query.abandon();
    this.#before = together(this.#before, ended);
    this.#query = null;
    if (ended.error !== null && !wasTakenOver(ended.error)) throw ended.error;
  }
}

/** Whether another member reads or writes what this one did: no fault, partitions have moved. */
function wasTakenOver(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ConflictError || isTakenOver(cause)) return true;
  }
  return false;
}

/** What was done before and what is being done, in one. */
function together(before: StreamStatus, now: StreamStatus | null): StreamStatus {
  if (now === null) return { ...before, state: "running", lag: 0, onlinePending: 0, error: null };
  return {
    ...now,
    state: "running",
    error: null,
    messages: before.messages + now.messages,
    rejected: before.rejected + now.rejected,
    late: before.late + now.late,
    batches: before.batches + now.batches,
    published: before.published + now.published,
  };
}

function storeUnreachable(cause: unknown): StreamError {
  return new StreamError(
    `The checkpoint store cannot be used (${
      reasonOf(cause)
    }): check CHECKPOINT_STORE_CONNECTION_STRING.`,
    { cause },
  );
}
