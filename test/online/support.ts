import { join } from "node:path";
import {
  closeOnlineStore,
  createContainers,
  type OnlineStore,
  openOnlineStore,
} from "clickstream/online";
import { type Cosmos, startCosmos } from "../../lib/emulators/cosmos/mod.ts";
import { withHome } from "../support.ts";

/** Runs `body` with an online store that has empty containers for these tables. */
export async function withStore(
  tables: string[],
  body: (store: OnlineStore, cosmos: Cosmos) => Promise<void>,
): Promise<void> {
  await withHome(async (home) => {
    const cosmos = await startCosmos({ directory: join(home, "cosmos") });
    const { endpoint, writeKey: key } = cosmos;
    const store = openOnlineStore({ endpoint, key, database: "clickstream" });
    try {
      await createContainers(store, tables);
      await body(store, cosmos);
    } finally {
      closeOnlineStore(store);
      await cosmos.close();
    }
  });
}
