import type { HubDefinition } from "./hubs.ts";
import type { KeyDefinition } from "./keys.ts";
import type { FsyncPolicy } from "./partition_log.ts";
import type { AccessKey } from "./sas.ts";

/** How a local Event Hubs namespace is set up. */
export interface EventHubsOptions {
  /** Folder that holds its events, hubs and keys. One server at a time may use it. */
  directory: string;
  /** TCP port; 0 takes a free one. @default 0 */
  port?: number;
  /** Address to listen on. @default "127.0.0.1" */
  host?: string;
  /** Hubs that are to exist; those made before stay. @default none */
  hubs?: HubDefinition[];
  /**
   * Shared access keys.
   * @default one named RootManageSharedAccessKey with all rights, made once and kept in the folder
   */
  keys?: AccessKey[];
  /** When events are forced to the disk. @default "batch" */
  fsync?: FsyncPolicy;
  /** Milliseconds an event is kept. @default 604800000 (7 days) */
  retentionMs?: number;
  /** Bytes a partition keeps. @default 4294967296 (4 GiB) */
  retentionBytes?: number;
  /** Milliseconds between two looks for events to remove. @default 60000 */
  retentionCheckMs?: number;
  /** Bytes after which a partition begins a new file. @default 33554432 (32 MiB) */
  segmentBytes?: number;
  /** Largest message or batch, in bytes. @default 1048576 */
  maxMessageBytes?: number;
  /** Receivers without epoch on one partition of a consumer group. @default 5 */
  maxReceivers?: number;
  /** Client connections at a time. @default 5000 */
  maxConnections?: number;
  /** Milliseconds after which a connection without links is closed. @default 300000 */
  idleMs?: number;
  /** Milliseconds a client has to open its connection. @default 20000 */
  handshakeMs?: number;
  /**
   * Milliseconds of silence after which a client is sent a heartbeat; a client that says nothing
   * for twice as long is cut off. @default 60000
   */
  heartbeatMs?: number;
  /** The clock, in milliseconds since 1970. @default Date.now */
  now?: () => number;
  /** Takes one line for each thing worth knowing. @default console.error */
  log?: (line: string) => void;
}

/** A running server. */
export interface EventHubs {
  host: string;
  port: number;
  /** Shared access keys it accepts. */
  keys: AccessKey[];
  /**
   * What an SDK needs to connect.
   *
   * @param hub adds it as EntityPath
   * @param keyName which key to use. @default the first that may manage, else the first
   */
  connectionString(hub?: string, keyName?: string): string;
  /** What there is and how it goes, for people and programs. */
  status(): EventHubsStatus;
  /** Makes a hub, or adds consumer groups to it. */
  createHub(definition: HubDefinition): void;
  /** Removes a hub and its events; its links are closed. */
  deleteHub(name: string): Promise<void>;
  /** Removes all events and group state of a hub; sequence numbers begin again at 0. */
  resetHub(name: string): Promise<void>;
  /** Makes a shared access key, or gives the one of that name other rights. */
  createKey(definition: KeyDefinition): AccessKey;
  /** Removes at once what retention allows to remove; returns how many segments went. */
  applyRetention(): Promise<number>;
  /** Closes all connections and files. */
  close(): Promise<void>;
}

/** The state of a namespace. */
export interface EventHubsStatus {
  connections: number;
  /** Milliseconds since 1970 when the last client was there; now while one is. */
  lastBusyMs: number;
  hubs: HubStatus[];
}

export interface HubStatus {
  name: string;
  createdMs: number;
  partitions: PartitionStatus[];
  groups: GroupStatus[];
}

export interface PartitionStatus {
  id: number;
  firstSequence: number;
  lastSequence: number;
  /** Events kept. */
  events: number;
  /** Bytes kept on disk. */
  bytes: number;
  /** Milliseconds since 1970; null before the first event. */
  lastEnqueuedMs: number | null;
  /** Events taken and given since the server started. */
  eventsIn: number;
  eventsOut: number;
}

export interface GroupStatus {
  name: string;
  partitions: {
    id: number;
    /** Receivers connected now. */
    receivers: { name: string; epoch: number | null }[];
    /** Last event sent to the group since the server started; null when none was. */
    sequence: number | null;
    /** Events that the group has not been sent; null when it was sent none. */
    lag: number | null;
  }[];
}
