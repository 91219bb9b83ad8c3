import assert from "node:assert/strict";
import { CosmosClient, type OperationInput } from "@azure/cosmos";
import { DatabaseSync } from "node:sqlite";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { waitUntil } from "clickstream/config";
import { startCosmos } from "../../../lib/emulators/cosmos/mod.ts";
import { createItem } from "../../../lib/emulators/cosmos/items.ts";
import { failureReply } from "../../../lib/emulators/cosmos/reply.ts";
import {
  closeCatalog,
  createContainer,
  createDatabase,
  openCatalog,
} from "../../../lib/emulators/cosmos/catalog.ts";
import { withHome } from "../../support.ts";
import { hasSmallDisk, withSmallDisk } from "../small_disk.ts";
import { clientOf } from "./support.ts";

const options = { sanitizeOps: false, sanitizeResources: false };
const SCRIPT = fileURLToPath(new URL("../../interop/serve_cosmos.ts", import.meta.url));

/** Starts the server as a process of its own. */
async function startChild(directory: string, ready: string) {
  rmSync(ready, { force: true });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", SCRIPT, directory, ready],
    stdin: "null",
    stdout: "null",
  }).spawn();
  await waitUntil(() => existsSync(ready), {
    timeoutMs: 30_000,
    intervalMs: 20,
    what: "the server",
  });
  const { endpoint, writeKey } = JSON.parse(readFileSync(ready, "utf8"));
  return { child, endpoint: String(endpoint), key: String(writeKey) };
}

Deno.test("what was acknowledged before kill -9 is there afterwards, whole", options, async () => {
  await withHome(async (home) => {
    const directory = join(home, "store");
    const acknowledged = new Map<string, number>();
    for (let round = 0; round < 2; round++) {
      const { child, endpoint, key } = await startChild(directory, join(home, "ready.json"));
      const client = new CosmosClient({
        endpoint,
        key,
        connectionPolicy: { enableEndpointDiscovery: false, requestTimeout: 5000 },
      });
      const { database } = await client.databases.createIfNotExists({ id: "d" });
      const { container } = await database.containers
        .createIfNotExists({ id: "c", partitionKey: { paths: ["/tenant"] } });
      let killed = false;
      const writer = async (name: number) => {
        for (let n = 0; !killed; n++) {
          const id = `${round}-${name}-${n}`;
          const operations: OperationInput[] = Array.from({ length: 3 }, (_, i) => ({
            operationType: "Upsert",
            resourceBody: { id: `${id}-${i}`, tenant: id, n, text: "x".repeat(300) },
          }));
          try {
            const { code } = await container.items.batch(operations, id);
            if (code === 200) acknowledged.set(id, n);
          } catch {
            return;
          }
        }
      };
      const writers = Promise.all([0, 1, 2, 3].map(writer));
      const target = acknowledged.size + 100;
      await waitUntil(() => acknowledged.size >= target, {
        timeoutMs: 30_000,
        intervalMs: 1,
        what: "a hundred batches",
      });
      child.kill("SIGKILL");
      await child.status;
      killed = true;
      client.dispose();
      await Promise.race([writers, new Promise((resolve) => setTimeout(resolve, 1000))]);
    }
    const cosmos = await startCosmos({ directory });
    const client = clientOf(cosmos);
    const { resources } = await client.database("d").container("c").items
      .query<{ tenant: string; n: number }>(
        "select c.tenant, count(1) as n from c group by c.tenant",
      )
      .fetchAll();
    const held = new Map(resources.map(({ tenant, n }) => [tenant, n]));
    for (const id of acknowledged.keys()) assert.equal(held.get(id), 3, id);
    // A batch that nobody heard of is there as a whole or not at all.
    assert.deepEqual([...new Set(held.values())], [3]);
    client.dispose();
    await cosmos.close();
  });
});

Deno.test("a folder in use is refused to a second server", options, async () => {
  await withHome(async (home) => {
    const cosmos = await startCosmos({ directory: join(home, "store") });
    await assert.rejects(startCosmos({ directory: join(home, "store") }), { name: "BusyError" });
    await cosmos.close();
    await (await startCosmos({ directory: join(home, "store") })).close();
  });
});

Deno.test("a full disk is the service's 403 for storage, and writing goes on once there is room", () => {
  return withHome((home) => {
    const catalog = openCatalog(home);
    createDatabase(catalog, "d", 1);
    const definition = { id: "c", partitionKey: { paths: ["/id"] } };
    const container = createContainer(catalog, "d", definition, 1);
    const limit = (pages: number) => container.items.file.exec(`PRAGMA max_page_count = ${pages}`);
    const write = (id: string) =>
      createItem(container, { id, text: "x".repeat(50_000) }, { key: `["${id}"]`, now: 1 });
    limit(20);
    let refused: unknown;
    let written = 0;
    try {
      for (; written < 10; written++) write(String(written));
    } catch (error) {
      refused = error;
    }
    const reply = failureReply(refused);
    assert.equal(reply.status, 403);
    assert.equal(reply.headers?.["x-ms-substatus"], "1014");
    assert.equal(container.items.count, written);
    limit(1_000_000);
    assert.equal(write("more").status, 201);
    closeCatalog(catalog);
    const file = new DatabaseSync(join(home, "containers", "1.sqlite"));
    assert.equal(file.prepare("SELECT count(*) AS n FROM items").get()!.n, written + 1);
    file.close();
    return Promise.resolve();
  });
});

Deno.test({
  name: "on a full disk every client is told so, and what was acknowledged is there afterwards",
  ignore: !hasSmallDisk(),
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    withSmallDisk(16, async ({ folder, fill, free }) => {
      const directory = join(folder, "store");
      const first = await startCosmos({ directory });
      const client = clientOf(first);
      const { database } = await client.databases.createIfNotExists({ id: "d" });
      const { container } = await database.containers
        .createIfNotExists({ id: "c", partitionKey: { paths: ["/id"] } });
      const kept: string[] = [];
      const write = async (id: string) => {
        await container.items.create({ id, text: "x".repeat(50_000) });
        kept.push(id);
      };
      await write("before");
      fill();
      const failures = await Promise.all(
        Array.from({ length: 20 }, (_, i) => write(`n${i}`).then(() => null, (error) => error)),
      );
      assert.notEqual(failures.at(-1), null, "the disk was full");
      for (const error of failures.filter((one) => one !== null)) {
        assert.equal(error.code, 403);
        assert.equal(error.substatus, 1014);
      }
      assert.equal((await container.item("before", "before").read()).statusCode, 200);
      free();
      await write("after");
      client.dispose();
      await first.close();
      const second = await startCosmos({ directory });
      const again = clientOf(second);
      const { resources } = await again.database("d").container("c").items
        .query("select value c.id from c").fetchAll();
      assert.deepEqual(resources.sort(), kept.sort());
      again.dispose();
      await second.close();
    }),
});
