import { type Container, PartitionKeyDefinitionVersion } from "@azure/cosmos";
import { deleteDocuments } from "./publish.ts";
import { containerOf, type OnlineStore, statusOf, storeError } from "./store.ts";

/**
 * Creates the database and the containers that do not exist yet; partition key `/id`, hashed whole
 * (version 2), which the SDK does several times as fast as by the first 100 bytes.
 */
export async function createContainers(store: OnlineStore, tables: string[]): Promise<void> {
  const { database } = await store.client.databases.createIfNotExists({ id: store.database });
  for (const table of tables) {
    const partitionKey = { paths: ["/id"], version: PartitionKeyDefinitionVersion.V2 };
    await database.containers.createIfNotExists({ id: table, partitionKey });
  }
}

/**
 * Deletes the containers with all their documents; absent ones are fine. Who signs in to Azure may
 * not delete containers, only documents: then theirs are deleted.
 */
export async function dropContainers(store: OnlineStore, tables: string[]): Promise<void> {
  for (const table of tables) {
    const container = containerOf(store, table);
    try {
      await container.delete();
    } catch (error) {
      const status = statusOf(error);
      if (status === 403) await emptyContainer(container);
      else if (status !== 404) throw storeError(`drop ${table}`, error);
    }
  }
}

/** Deletes all documents of a container. */
export async function emptyContainer(container: Container): Promise<void> {
  const ids = container.items.query<string>("select value c.id from c", { maxItemCount: 1000 });
  for await (const { resources } of ids.getAsyncIterator()) {
    await deleteDocuments(container, resources);
  }
}
