/** A local Azure Cosmos DB (NoSQL) on SQLite, for the unchanged SDKs. */
export { type Cosmos, type CosmosOptions, type CosmosStatus, startCosmos } from "./server.ts";
