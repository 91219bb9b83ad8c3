import type { EventData, EventDataBatch, EventHubProducerClient } from "@azure/event-hubs";
import { allEnded, partitionOfKey } from "clickstream/config";
import { StreamError } from "./errors.ts";

/** Most events in a batch: hundreds fill the line, more would only arrive later. */
const BATCH = 500;

/** An event, and the key that decides its partition. */
export interface KeyedEvent {
  key: string;
  event: EventData;
}

/**
 * Sends events in batches, each to the partition that its key would take it to: a send for every
 * key costs several times as much. Of several producers each sends to partitions of its own. Within a partition the order is kept, also when a batch is sent
 * again: the next one follows only when the hub has the one before.
 *
 * @param partitions number of partitions of the hub
 * @throws {StreamError} when an event is larger than the hub takes
 */
export async function sendByKey(
  producers: readonly EventHubProducerClient[],
  partitions: number,
  events: readonly KeyedEvent[],
): Promise<void> {
  const lanes = new Map<number, EventData[]>();
  for (const { key, event } of events) {
    const partition = partitionOfKey(key, partitions);
    const lane = lanes.get(partition);
    if (lane === undefined) lanes.set(partition, [event]);
    else lane.push(event);
  }
  const sent = [...lanes].map(([partition, lane]) => {
    const producer = producers[partition % producers.length]!;
    return sendInOrder(producer, String(partition), lane);
  });
  await allEnded(sent);
}

async function sendInOrder(
  producer: EventHubProducerClient,
  partitionId: string,
  events: readonly EventData[],
): Promise<void> {
  let batch: EventDataBatch | null = null;
  for (const event of events) {
    if (batch !== null) {
      if (batch.count < BATCH && batch.tryAdd(event)) continue;
      await producer.sendBatch(batch);
    }
    batch = await producer.createBatch({ partitionId });
    if (!batch.tryAdd(event)) throw new StreamError("An event is larger than the hub takes.");
  }
  if (batch !== null) await producer.sendBatch(batch);
}
