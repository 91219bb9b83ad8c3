/** A local Event Hubs namespace that speaks to the unchanged Azure SDKs. */
export { startEventHubs } from "./server.ts";
export type {
  EventHubs,
  EventHubsOptions,
  EventHubsStatus,
  GroupStatus,
  HubStatus,
  PartitionStatus,
} from "./options.ts";
export type { HubDefinition } from "./hubs.ts";
export type { KeyDefinition } from "./keys.ts";
export type { FsyncPolicy } from "./partition_log.ts";
export type { AccessKey, Right } from "./sas.ts";
export { createToken } from "./sas.ts";
export { partitionOfKey } from "clickstream/config";
