import type { KeyRing } from "./keys.ts";
import type { Grant } from "./sas.ts";
import type { Catalogue, Hub } from "./hubs.ts";
import type { PartitionLog } from "./partition_log.ts";
import type { Cursor } from "./cursor.ts";
import type { Retention } from "./retention.ts";
import type { RheaConnection, RheaLink, RheaReceiver, RheaSender } from "./rhea.ts";
import type { GuardedSocket } from "./socket.ts";
import type { Answer } from "./transfers.ts";

/** Limits of the service that a broker enforces. */
export interface Limits {
  /** Largest transfer, in bytes. */
  messageBytes: number;
  /** Receivers without epoch on one partition of a consumer group. */
  receivers: number;
  /** Client connections at a time. */
  connections: number;
  /** Milliseconds a connection may stay without any link. */
  idleMs: number;
  /** Milliseconds from connecting to being open. */
  handshakeMs: number;
  /** Milliseconds of silence after which a heartbeat is sent; twice that ends a connection. */
  heartbeatMs: number;
}

/** All that the connections of one server share. */
export interface Broker {
  /** Name of this server in the protocol. */
  containerId: string;
  catalogue: Catalogue;
  ring: KeyRing;
  limits: Limits;
  retention: Retention;
  now: () => number;
  clients: Set<Client>;
  /** Receivers by {@link partitionId}. */
  subscriptions: Map<string, Set<Subscription>>;
  /** How far each consumer group was served, by {@link partitionId}. */
  positions: Map<string, GroupPosition>;
  /** Events received and sent, by hub and partition. */
  traffic: Map<string, Traffic>;
  /** Bytes received and not yet durable, over all clients. */
  unwrittenBytes: number;
  warn: (message: string) => void;
  /** When the last client left, or the server started; ms. */
  lastBusyMs: number;
}

export interface GroupPosition {
  /** Sequence number of the last event sent to a receiver of the group. */
  sequence: number;
  atMs: number;
}

/** Counters since the server started. */
export interface Traffic {
  eventsIn: number;
  bytesIn: number;
  eventsOut: number;
  bytesOut: number;
}

/** One client's connection. */
export interface Client {
  id: number;
  connectedMs: number;
  rhea: RheaConnection;
  socket: GuardedSocket;
  /** Checked tokens, by the path they are for. */
  grants: Map<string, Grant>;
  /** Where answers of `$cbs` and `$management` go, by the client's name for it. */
  replyLinks: Map<string, RheaSender>;
  producers: Map<RheaReceiver, Producer>;
  subscriptions: Map<RheaSender, Subscription>;
  /** Bytes of the transfer that each link is receiving, or has just received. */
  received: WeakMap<RheaLink, number>;
  /** Answers to be written at the end of this turn. */
  answers: Answer[];
  unwrittenBytes: number;
  paused: boolean;
  /** Since when it has had no link; null while it has one. */
  linklessMs: number | null;
  gone: boolean;
}

/** A link on which a client sends events. */
export interface Producer {
  client: Client;
  link: RheaReceiver;
  hub: Hub;
  /** The one partition it sends to; null spreads by key or in turn. */
  partition: number | null;
  /** Path whose token it needs. */
  path: string;
  /** Transfers taken and not yet answered. */
  unanswered: number;
  closed: boolean;
}

/** A link on which a client receives events. */
export interface Subscription {
  client: Client;
  link: RheaSender;
  hub: Hub;
  group: string;
  partition: number;
  path: string;
  log: PartitionLog;
  cursor: Cursor;
  /** Owner level; null for a receiver that shares the partition. */
  epoch: number | null;
  /** The receiver's own name, for messages. */
  receiver: string;
  wantsMetrics: boolean;
  /** Whether deliveries need no answer. */
  settled: boolean;
  scheduled: boolean;
  wake: () => void;
  closed: boolean;
}

/** Names a partition of a hub as a consumer group sees it. */
export function partitionId(hub: string, group: string, partition: number): string {
  return `${hub}/${group}/${partition}`.toLowerCase();
}

/** The counters of one partition of a hub. */
export function trafficOf(broker: Broker, hub: string, partition: number): Traffic {
  const id = `${hub.toLowerCase()}/${partition}`;
  let traffic = broker.traffic.get(id);
  if (traffic === undefined) {
    traffic = { eventsIn: 0, bytesIn: 0, eventsOut: 0, bytesOut: 0 };
    broker.traffic.set(id, traffic);
  }
  return traffic;
}
