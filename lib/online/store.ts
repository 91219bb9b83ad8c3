import { type Container, CosmosClient } from "@azure/cosmos";
import { azureCredential, ClickstreamError, type Config, reasonOf } from "clickstream/config";

/** The online feature store could not be reached, or refused a request. */
export class OnlineStoreError extends ClickstreamError {}

/** Where the store is and with which right it is opened. */
export interface OnlineStoreOptions {
  /** Account endpoint. */
  endpoint: string;
  /** Account key: a read-only one suffices for look-ups. Empty: the process signs in to Azure. */
  key: string;
  /** Database that holds the containers. */
  database: string;
}

/** A handle on the online store: a container per feature table. */
export interface OnlineStore {
  readonly client: CosmosClient;
  readonly database: string;
}

/** Opens the store. Nothing is sent before the first call. */
export function openOnlineStore(options: OnlineStoreOptions): OnlineStore {
  const { endpoint, key, database } = options;
  return {
    client: new CosmosClient({
      endpoint,
      ...(key === "" ? { aadCredentials: azureCredential() } : { key }),
      connectionPolicy: {
        enableEndpointDiscovery: !isLoopback(endpoint),
        retryOptions: {
          maxRetryAttemptCount: 9,
          fixedRetryIntervalInMilliseconds: 0,
          maxWaitTimeInSeconds: 30,
        },
      },
    }),
    database,
  };
}

/** Ends the store's background work (account refresh), so that a process can finish. */
export function closeOnlineStore(store: OnlineStore): void {
  store.client.dispose();
}

/** What opening the store needs, from the services in use: the writing key, or the reading one. */
export function onlineStoreOptions(
  services: { cosmos: { endpoint: string; readKey: string; writeKey: string } },
  config: Pick<Config, "cosmos">,
  right: "read" | "write",
): OnlineStoreOptions {
  const { endpoint, readKey, writeKey } = services.cosmos;
  return { endpoint, key: right === "read" ? readKey : writeKey, database: config.cosmos.database };
}

/** The container of a feature table. */
export function containerOf(store: OnlineStore, table: string): Container {
  return store.client.database(store.database).container(table);
}

/** Ids of all documents of a user; none when the container does not exist. */
export async function documentIdsOf(
  store: OnlineStore,
  table: string,
  user: bigint,
): Promise<string[]> {
  try {
    const { resources } = await containerOf(store, table).items.query<string>({
      query: "select value c.id from c where c.user_id = @user",
      parameters: [{ name: "@user", value: String(user) }],
    }).fetchAll();
    return resources;
  } catch (error) {
    if (statusOf(error) === 404) return [];
    throw storeError(`find the documents of a user in ${table}`, error);
  }
}

/**
 * Lets documents of a container go by themselves so many seconds after they were last written, by
 * the clock on the wall; null keeps them. A container that does not exist is passed over.
 */
export async function setTimeToLive(
  store: OnlineStore,
  table: string,
  seconds: number | null,
): Promise<void> {
  const container = containerOf(store, table);
  try {
    const { resource } = await container.read();
    const { defaultTtl: _, ...definition } = resource!;
    await container.replace(seconds === null ? definition : { ...definition, defaultTtl: seconds });
  } catch (error) {
    if (statusOf(error) !== 404) {
      throw storeError(`change how long documents of ${table} live`, error);
    }
  }
}

/** Number of documents in a container; 0 when it does not exist. */
export async function countDocuments(store: OnlineStore, table: string): Promise<number> {
  try {
    const { resources } = await containerOf(store, table).items
      .query<number>("select value count(1) from c").fetchAll();
    return resources.reduce((sum, part) => sum + part, 0);
  } catch (error) {
    if (statusOf(error) === 404) return 0;
    throw storeError(`count the documents of ${table}`, error);
  }
}

/** Wraps what the SDK threw in one sentence that says what was attempted. */
export function storeError(attempt: string, cause: unknown): OnlineStoreError {
  return new OnlineStoreError(
    `The online store could not ${attempt}: ${
      reasonOf(cause)
    }. Check that the services run (deno task services) and that the key is right.`,
    { cause },
  );
}

/** The status by which the service refused, as the SDK tells it: bulk requests wrap it once more. */
export function statusOf(error: unknown): number | undefined {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  if (Number.isInteger(Number(code ?? NaN))) return Number(code);
  return cause === undefined ? undefined : statusOf(cause);
}

function isLoopback(endpoint: string): boolean {
  return /^https?:\/\/(127\.|localhost|\[::1\])/.test(endpoint);
}
