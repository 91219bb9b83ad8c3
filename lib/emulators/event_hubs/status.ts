import { type Broker, partitionId, trafficOf } from "./broker.ts";
import type { Hub } from "./hubs.ts";
import type { EventHubsStatus, GroupStatus, HubStatus, PartitionStatus } from "./options.ts";
import { firstSequence, logBytes } from "./partition_log.ts";

/** The state of all hubs at this moment. */
export function brokerStatus(broker: Broker): EventHubsStatus {
  return {
    connections: broker.clients.size,
    lastBusyMs: broker.clients.size > 0 ? broker.now() : broker.lastBusyMs,
    hubs: [...broker.catalogue.hubs.values()].map((hub) => hubStatus(broker, hub)),
  };
}

function hubStatus(broker: Broker, hub: Hub): HubStatus {
  return {
    name: hub.name,
    createdMs: hub.createdMs,
    partitions: hub.partitions.map((_, id) => partitionStatus(broker, hub, id)),
    groups: hub.consumerGroups.map((group) => groupStatus(broker, hub, group)),
  };
}

function partitionStatus(broker: Broker, hub: Hub, id: number): PartitionStatus {
  const log = hub.partitions[id]!;
  const { eventsIn, eventsOut } = trafficOf(broker, hub.name, id);
  const first = firstSequence(log);
  return {
    id,
    firstSequence: first,
    lastSequence: log.newest.sequence,
    events: log.nextSequence - first,
    bytes: logBytes(log),
    lastEnqueuedMs: log.newest.enqueuedMs || null,
    eventsIn,
    eventsOut,
  };
}

function groupStatus(broker: Broker, hub: Hub, name: string): GroupStatus {
  const partitions = hub.partitions.map((log, id) => {
    const key = partitionId(hub.name, name, id);
    const present = [...broker.subscriptions.get(key) ?? []];
    const sequence = broker.positions.get(key)?.sequence ?? null;
    return {
      id,
      receivers: present.map(({ receiver, epoch }) => ({ name: receiver, epoch })),
      sequence,
      lag: sequence === null ? null : log.newest.sequence - sequence,
    };
  });
  return { name, partitions };
}
