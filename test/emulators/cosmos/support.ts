import { type Container, CosmosClient } from "@azure/cosmos";
import { join } from "node:path";
import { type Cosmos, startCosmos } from "../../../lib/emulators/cosmos/mod.ts";
import { withHome } from "../../support.ts";

/** A client of a server, with its writing key unless another is given. */
export function clientOf(cosmos: Cosmos, key: string = cosmos.writeKey): CosmosClient {
  return new CosmosClient({
    endpoint: cosmos.endpoint,
    key,
    connectionPolicy: { enableEndpointDiscovery: false },
  });
}

/** Runs `body` with a server, the SDK's client and an empty container partitioned by `/id`. */
export async function withContainer(
  body: (container: Container, cosmos: Cosmos, client: CosmosClient) => Promise<void>,
  definition: Record<string, unknown> = { partitionKey: { paths: ["/id"] } },
): Promise<void> {
  await withHome(async (home) => {
    const cosmos = await startCosmos({ directory: join(home, "cosmos") });
    const client = clientOf(cosmos);
    try {
      const { database } = await client.databases.createIfNotExists({ id: "shop" });
      const { container } = await database.containers.createIfNotExists({
        id: "items",
        ...definition,
      });
      await body(container, cosmos, client);
    } finally {
      client.dispose();
      await cosmos.close();
    }
  });
}

/** Code of the error that a call ends with. */
export async function codeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
    return undefined;
  } catch (error) {
    return (error as { code: unknown }).code;
  }
}
