/** Local Event Hubs and Cosmos DB for the unchanged Azure SDKs, and the process that serves both. */
export {
  createHub,
  createKey,
  DEFAULT_HUB,
  DEFAULT_PARTITIONS,
  ensureServices,
  resetHub,
  type Services,
  stopServices,
  throttleCosmos,
} from "./services.ts";
export { startEventHubs } from "./event_hubs/mod.ts";
export type {
  EventHubs,
  EventHubsOptions,
  HubDefinition,
  KeyDefinition,
} from "./event_hubs/mod.ts";
export { startCosmos } from "./cosmos/mod.ts";
export type { Cosmos, CosmosOptions } from "./cosmos/mod.ts";
