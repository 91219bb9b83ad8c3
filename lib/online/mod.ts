/** The online feature store on Cosmos DB: publish, look up, expire. */
export * from "./containers.ts";
export * from "./documents.ts";
export * from "./lookup.ts";
export * from "./publish.ts";
export { readDocument } from "./read.ts";
export * from "./store.ts";
