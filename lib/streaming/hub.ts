import {
  EventHubConsumerClient,
  EventHubProducerClient,
  parseEventHubConnectionString,
  type ReceivedEventData,
  RetryMode,
  type RetryOptions,
  type Subscription,
} from "@azure/event-hubs";
import { azureCredential, reasonOf } from "clickstream/config";
import { type HubMessage, type MessageBody, readBody } from "./decode.ts";
import { StreamError } from "./errors.ts";

/** Where the hub is. */
export interface HubOptions {
  /** Connection string with EntityPath; one without a key makes the process sign in to Azure. */
  connectionString: string;
  /** Consumer group. @default $Default */
  consumerGroup?: string;
}

/** Last sequence number by partition; -1 for an empty one. */
export type HubEnds = Map<number, number>;

/** Longest wait for an answer: what was asked just before a line broke is never answered. */
const ANSWER_MILLIS = 15_000;

/** Tried again for about half a minute, soon at first: a broker that restarts is back by then. */
const RETRIES: RetryOptions = {
  maxRetries: 10,
  retryDelayInMs: 200,
  mode: RetryMode.Exponential,
  maxRetryDelayInMs: 5000,
  timeoutInMs: ANSWER_MILLIS,
};

/** A client that sends. */
export function openProducer(options: HubOptions): EventHubProducerClient {
  return producerClient(options, RETRIES);
}

/**
 * A client that sends a batch once. A line that breaks while a batch is sent leaves open whether the
 * hub has it: sending it again unasked would double it.
 */
export function openSender(options: HubOptions): EventHubProducerClient {
  return producerClient(options, { maxRetries: 0, timeoutInMs: ANSWER_MILLIS });
}

function producerClient(
  { connectionString }: HubOptions,
  retryOptions: RetryOptions,
): EventHubProducerClient {
  const hub = signedInHub(connectionString);
  return hub === null
    ? new EventHubProducerClient(connectionString, { retryOptions })
    : new EventHubProducerClient(...hub, azureCredential(), { retryOptions });
}

/** A client that receives. */
export function openConsumer(options: HubOptions): EventHubConsumerClient {
  const group = options.consumerGroup ?? EventHubConsumerClient.defaultConsumerGroupName;
  const settings = { retryOptions: RETRIES };
  const { connectionString } = options;
  const hub = signedInHub(connectionString);
  return hub === null
    ? new EventHubConsumerClient(group, connectionString, settings)
    : new EventHubConsumerClient(group, ...hub, azureCredential(), settings);
}

/**
 * Namespace and hub of a connection string that holds no key; null of one that does.
 *
 * @throws {StreamError} when it names no hub
 */
export function signedInHub(connectionString: string): [namespace: string, hub: string] | null {
  const parts = parseEventHubConnectionString(connectionString);
  if ("sharedAccessKey" in parts || "sharedAccessSignature" in parts) return null;
  if (!parts.eventHubName) {
    throw new StreamError(
      "The Event Hubs connection string names no hub: end it with ;EntityPath=<hub>.",
    );
  }
  return [parts.fullyQualifiedNamespace, parts.eventHubName];
}

/** Where each partition ends now. */
export async function hubEnds(
  client: EventHubConsumerClient | EventHubProducerClient,
): Promise<HubEnds> {
  try {
    const ids = await client.getPartitionIds();
    const ends = await Promise.all(ids.map(async (id) => {
      const properties = await client.getPartitionProperties(id);
      const end = properties.isEmpty ? -1 : properties.lastEnqueuedSequenceNumber;
      return [Number(id), end] as const;
    }));
    return new Map(ends);
  } catch (error) {
    throw hubError("say where its partitions end", error);
  }
}

/** How {@link receive} reads. */
export interface ReceiveOptions {
  /** Last sequence number already taken, by partition; -1 (or absent) starts at the earliest event. */
  after: ReadonlyMap<number, number>;
  /** Called with each batch of one partition, in order; the next is read when the promise ends. */
  onMessages: (partition: number, messages: HubMessage[], hubEnd: number) => Promise<void>;
  /** Called on every failure. The SDK reconnects by itself after those that are not `final`. */
  onError: (error: StreamError, final: boolean) => void;
  /** Most messages in a batch. @default 2000 */
  maxBatchSize?: number;
  /** Partitions to read. @default all */
  partitions?: readonly number[];
  /** Epoch: a later reader with a greater or equal one takes the partition over. @default none */
  ownerLevel?: number;
}

/** Reads every partition until closed. */
export async function receive(
  client: EventHubConsumerClient,
  options: ReceiveOptions,
): Promise<{ close(): Promise<void> }> {
  const subscriptions: Subscription[] = [];
  const ids = options.partitions?.map(String) ?? await client.getPartitionIds();
  for (const id of ids) subscriptions.push(subscribe(client, id, options));
  return { close: async () => void await Promise.all(subscriptions.map((s) => s.close())) };
}

/**
 * Reads what the hub holds now after these positions, and ends.
 *
 * @throws {StreamError} when the hub cannot be read
 */
export async function readToEnd(
  options: HubOptions,
  after: Readonly<Record<string, number>>,
  onMessages: (messages: HubMessage[]) => void,
): Promise<void> {
  const consumer = openConsumer(options);
  try {
    const ends = await hubEnds(consumer);
    const from = new Map([...ends.keys()].map((p) => [p, after[p] ?? -1]));
    const open = new Set([...ends.keys()].filter((p) => ends.get(p)! > from.get(p)!));
    if (open.size === 0) return;
    const reading = Promise.withResolvers<void>();
    const receiver = await receive(consumer, {
      after: from,
      onMessages: (partition, messages) => {
        onMessages(messages);
        if (messages.at(-1)!.sequenceNumber >= ends.get(partition)!) open.delete(partition);
        if (open.size === 0) reading.resolve();
        return Promise.resolve();
      },
      onError: (error, final) => final && reading.reject(error),
    });
    await reading.promise.finally(() => receiver.close());
  } finally {
    await consumer.close();
  }
}

function subscribe(
  client: EventHubConsumerClient,
  id: string,
  options: ReceiveOptions,
): Subscription {
  const partition = Number(id);
  let last = options.after.get(partition) ?? -1;
  return client.subscribe(id, {
    processEvents: async (events, context) => {
      // After a reconnect the SDK may hand out again what it did before.
      const fresh = events.filter((event) => event.sequenceNumber > last);
      if (fresh.length === 0) return;
      const newest = fresh.at(-1)!.sequenceNumber;
      const end = context.lastEnqueuedEventProperties?.sequenceNumber ?? newest;
      await options.onMessages(partition, fresh.map((e) => toMessage(partition, e)), end);
      // Only now: what could not be handed on must come again.
      last = newest;
      // Kept in memory only: where the SDK goes on after a lost connection.
      await context.updateCheckpoint(fresh.at(-1)!);
    },
    processError: (error) => {
      const failure = isTakenOver(error) ? takenOver(id, error) : hubError(
        `be read (partition ${id})`,
        error,
      );
      options.onError(failure, isFinal(error));
      return Promise.resolve();
    },
  }, {
    startPosition: last < 0 ? { offset: "-1" } : { sequenceNumber: last, isInclusive: false },
    maxBatchSize: options.maxBatchSize ?? 2000,
    maxWaitTimeInSeconds: 1,
    skipParsingBodyAsJson: true,
    trackLastEnqueuedEventProperties: true,
    ...(options.ownerLevel === undefined ? {} : { ownerLevel: options.ownerLevel }),
  });
}

function toMessage(partition: number, event: ReceivedEventData): HubMessage {
  return {
    partition,
    sequenceNumber: event.sequenceNumber,
    offset: String(event.offset),
    enqueuedTime: event.enqueuedTimeUtc.getTime() * 1000,
    ...amqpBody(event.body),
    properties: event.properties,
  };
}

/** Trying again does not help: another reader took the partition, or the key is refused. */
export function isFinal(error: Error): boolean {
  return [STOLEN, "UnauthorizedError", "MessagingEntityNotFoundError"].includes(codeOf(error));
}

/** The service's word for a reader that another one with a greater or equal epoch replaced. */
const STOLEN = "ReceiverDisconnectedError";

/** The service's code of what the SDK threw, also when {@link hubError} wrapped it. */
export function codeOf(error: Error): string {
  const found = (thrown: unknown) => (lastOf(thrown) as { code?: string } | undefined)?.code;
  return found(error) ?? found(error.cause) ?? "";
}

/** Of tries that all failed the SDK throws all errors, without a message: the last of them tells. */
function lastOf(thrown: unknown): unknown {
  return thrown instanceof AggregateError ? thrown.errors.at(-1) : thrown;
}

function takenOver(partition: string, cause: Error): StreamError {
  return new StreamError(
    `Another reader took partition ${partition} of the event hub: one streaming query reads a consumer group. End the other one, then start 2b again: it goes on from its tables.`,
    { cause },
  );
}

/** Whether another reader took a partition. */
export function isTakenOver(error: Error): boolean {
  return codeOf(error) === STOLEN;
}

/**
 * A data section arrives as bytes; other AMQP bodies, which no producer of ours sends, as values, and
 * a message without one as undefined.
 */
export function amqpBody(body: unknown): MessageBody {
  if (body instanceof Uint8Array) return readBody(body);
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { body: text ?? "", bodyEncoding: null };
}

/** Wraps what the SDK threw in one sentence. */
export function hubError(attempt: string, cause: unknown): StreamError {
  return new StreamError(
    `The event hub could not ${attempt}: ${
      reasonOf(lastOf(cause))
    }. Check that the services run (deno task services) and that the connection string is right.`,
    { cause },
  );
}
