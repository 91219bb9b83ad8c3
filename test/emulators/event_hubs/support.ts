import {
  EventHubConsumerClient,
  EventHubProducerClient,
  type EventPosition,
  type PartitionContext,
  type ReceivedEventData,
} from "@azure/event-hubs";
import { join } from "node:path";
import { waitUntil } from "clickstream/config";
import {
  type EventHubs,
  type EventHubsOptions,
  startEventHubs,
} from "../../../lib/emulators/event_hubs/mod.ts";
import { withHome } from "../../support.ts";

export const HUB = "events";

/** Retries of the SDK that fail a test soon instead of after minutes. */
export const FAST = {
  retryOptions: { maxRetries: 0, timeoutInMs: 5000 },
} as const;

/** Runs `body` against a new server in a folder of its own, and closes it. */
export function withEventHubs<T>(
  body: (server: EventHubs, directory: string) => Promise<T>,
  options: Partial<EventHubsOptions> = {},
): Promise<T> {
  return withHome(async (home) => {
    const directory = join(home, "hubs");
    const server = await startQuietly({ directory, ...options });
    try {
      return await body(server, directory);
    } finally {
      await server.close();
    }
  });
}

/** A server with one hub of four partitions and a log that says nothing. */
export function startQuietly(options: EventHubsOptions): Promise<EventHubs> {
  return startEventHubs({
    hubs: [{ name: HUB, partitions: 4, consumerGroups: ["second"] }],
    log: () => {},
    ...options,
  });
}

/** Runs `body` with a producer, and closes it. */
export async function withProducer<T>(
  server: EventHubs,
  body: (producer: EventHubProducerClient) => Promise<T>,
): Promise<T> {
  const producer = new EventHubProducerClient(server.connectionString(HUB), FAST);
  try {
    return await body(producer);
  } finally {
    await producer.close();
  }
}

/** What to receive, and until when. */
export interface Receive {
  /** Ends after so many events. */
  count: number;
  from?: EventPosition;
  group?: string;
  partition?: string;
  timeoutMs?: number;
}

/** Receives events of one or all partitions, in the order they came. */
export async function receive(
  server: EventHubs,
  { count, from = { offset: "-1" }, group = "$Default", partition, timeoutMs = 10_000 }: Receive,
): Promise<(ReceivedEventData & { partitionId: string })[]> {
  const consumer = new EventHubConsumerClient(group, server.connectionString(HUB), {
    ...FAST,
    loadBalancingOptions: { strategy: "greedy", updateIntervalInMs: 100 },
  });
  const got: (ReceivedEventData & { partitionId: string })[] = [];
  let failure: Error | null = null;
  const handlers = {
    processEvents: (events: ReceivedEventData[], context: PartitionContext) => {
      for (const event of events) got.push({ ...event, partitionId: context.partitionId });
      return Promise.resolve();
    },
    processError: (error: Error) => {
      failure ??= error;
      return Promise.resolve();
    },
  };
  const options = { startPosition: from, maxBatchSize: 1000, maxWaitTimeInSeconds: 1 };
  const subscription = partition === undefined
    ? consumer.subscribe(handlers, options)
    : consumer.subscribe(partition, handlers, options);
  try {
    await waitUntil(() => {
      if (failure !== null) throw failure;
      return got.length >= count;
    }, { what: `${count} events (${got.length} came)`, timeoutMs });
    return got;
  } finally {
    await subscription.close();
    await consumer.close();
  }
}

/** Whether the SDK has noticed that its senders are gone. */
export function sendersClosed(producer: EventHubProducerClient): boolean {
  const { _sendersMap } = producer as unknown as {
    _sendersMap: Map<string, { isOpen(): boolean }>;
  };
  return [..._sendersMap.values()].every((sender) => !sender.isOpen());
}
