import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  containerOf,
  createContainers,
  dropContainers,
  type OnlineDocument,
  type OnlineStore,
} from "clickstream/online";
import {
  type HistoryFile,
  onlineTables,
  readState,
  seedOnlineStore,
  streamFiles,
} from "clickstream/streaming";
import { type SmallShop, withShop } from "./shop.ts";

const SCRIPT = fileURLToPath(new URL("./seed_process.ts", import.meta.url));

/** What the store serves, by container and id: without what the store itself adds. */
async function served(store: OnlineStore): Promise<Record<string, Map<string, string>>> {
  const containers: Record<string, Map<string, string>> = {};
  for (const table of onlineTables) {
    const { resources } = await containerOf(store, table).items
      .query<OnlineDocument>("select * from c", { maxItemCount: -1 }).fetchAll();
    containers[table] = new Map(resources.map((document) => {
      const own = Object.entries(document).filter(([field]) => !field.startsWith("_"));
      return [document.id, JSON.stringify(own.sort())];
    }));
  }
  return containers;
}

/** Seeds in a process of its own, and kills it when some documents are written. */
async function seedAndKill({ config, endpoint, key }: SmallShop): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", SCRIPT, config.home, endpoint, key],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const out = child.stdout.getReader();
  assert.notEqual((await out.read()).value, undefined, "the seeding ended by itself");
  child.kill("SIGKILL");
  await child.status;
  await out.cancel();
}

Deno.test(
  "a seeding that is killed and begun again leaves the store as one that was not",
  { sanitizeOps: false, sanitizeResources: false },
  async () => {
    await withShop(4000, async (shop) => {
      const whole = await served(shop.store);
      await dropContainers(shop.store, [...onlineTables]);
      await createContainers(shop.store, [...onlineTables]);
      await seedAndKill(shop);
      const count = (containers: Record<string, Map<string, string>>) =>
        Object.values(containers).reduce((sum, documents) => sum + documents.size, 0);
      assert.ok(count(await served(shop.store)) > 0);
      const history = readState<HistoryFile>(streamFiles(shop.config).history)!;
      const written = await seedOnlineStore(shop.lake, shop.store, history);
      assert.deepEqual(await served(shop.store), whole);
      assert.equal(Object.values(written).reduce((sum, n) => sum + n, 0), count(whole));
    });
  },
);
