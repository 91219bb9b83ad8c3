import assert from "node:assert/strict";
import { join } from "node:path";
import { startCosmos } from "../../../lib/emulators/cosmos/mod.ts";
import { withHome } from "../../support.ts";
import { clientOf, codeOf, withContainer } from "./support.ts";

// The SDK keeps connections of its own between tests.
const options = { sanitizeOps: false, sanitizeResources: false };

Deno.test("an item is created, read, replaced, patched and deleted", options, async () => {
  await withContainer(async (container) => {
    await container.items.create({ id: "a|1", n: 1 });
    const item = container.item("a|1", "a|1");
    assert.equal((await item.read()).resource?.n, 1);
    await item.replace({ id: "a|1", n: 2 });
    await item.patch([{ op: "incr", path: "/n", value: 5 }]);
    assert.equal((await item.read()).resource?.n, 7);
    await item.delete();
    assert.equal((await item.read()).resource, undefined);
  });
});

Deno.test("a second create of a key is a conflict, an upsert is not", options, async () => {
  await withContainer(async (container) => {
    await container.items.create({ id: "a" });
    assert.equal(await codeOf(container.items.create({ id: "a" })), 409);
    assert.equal((await container.items.upsert({ id: "a", n: 1 })).statusCode, 200);
    assert.equal((await container.items.upsert({ id: "b", n: 1 })).statusCode, 201);
  });
});

Deno.test("a replace with an old ETag is refused, also in bulk", options, async () => {
  await withContainer(async (container) => {
    const { etag } = await container.items.create({ id: "a", n: 1 });
    await container.item("a", "a").replace({ id: "a", n: 2 });
    const condition = { accessCondition: { type: "IfMatch", condition: etag } };
    assert.equal(await codeOf(container.item("a", "a").replace({ id: "a", n: 3 }, condition)), 412);
    const [answer] = await container.items.bulk([{
      operationType: "Replace",
      id: "a",
      partitionKey: "a",
      resourceBody: { id: "a", n: 3 },
      ifMatch: etag,
    }]);
    assert.equal(answer!.statusCode, 412);
  });
});

Deno.test("a bulk answers every operation with its own status", options, async () => {
  await withContainer(async (container) => {
    await container.items.create({ id: "there" });
    const answers = await container.items.bulk([
      { operationType: "Create", resourceBody: { id: "new" } },
      { operationType: "Create", resourceBody: { id: "there" } },
      { operationType: "Read", id: "new", partitionKey: "new" },
      { operationType: "Delete", id: "absent", partitionKey: "absent" },
      { operationType: "Upsert", resourceBody: { id: "there", n: 2 } },
    ]);
    assert.deepEqual(answers.map((a) => a.statusCode), [201, 409, 200, 404, 200]);
    assert.equal((answers[2]!.resourceBody as unknown as { id: string }).id, "new");
  });
});

Deno.test(
  "the SDK's bulk executor writes more than one request holds, each with its answer",
  options,
  async () => {
    await withContainer(async (container) => {
      await container.items.create({ id: "7", tenant: "t1", user: "u7" });
      const operations = Array.from({ length: 250 }, (_, n) => ({
        operationType: "Create" as const,
        partitionKey: [`t${n % 2}`, `u${n}`],
        resourceBody: { id: String(n), tenant: `t${n % 2}`, user: `u${n}` },
      }));
      const answers = await container.items.executeBulkOperations(operations);
      const statuses = answers.map(({ response, error }) => response?.statusCode ?? error?.code);
      assert.deepEqual(statuses, operations.map((_, n) => n === 7 ? 409 : 201));
      const { resources } = await container.items
        .query("select value count(1) from c", { partitionKey: ["t1"] }).fetchAll();
      assert.deepEqual(resources, [125]);
    }, { partitionKey: { paths: ["/tenant", "/user"], kind: "MultiHash", version: 2 } });
  },
);

Deno.test("a transactional batch that fails leaves nothing behind", options, async () => {
  await withContainer(async (container) => {
    const { result } = await container.items.batch([
      { operationType: "Create", resourceBody: { id: "x", tenant: "t" } },
      { operationType: "Create", resourceBody: { id: "x", tenant: "t" } },
    ], "t");
    assert.deepEqual(result?.map((r) => r.statusCode), [424, 409]);
    assert.equal((await container.item("x", "t").read()).resource, undefined);
  }, { partitionKey: { paths: ["/tenant"] } });
});

Deno.test("the read-only key reads and queries, and may not write", options, async () => {
  await withContainer(async (container, cosmos) => {
    await container.items.create({ id: "a", n: 1 });
    const reader = clientOf(cosmos, cosmos.readKey);
    const same = reader.database("shop").container("items");
    assert.equal((await same.item("a", "a").read()).resource?.n, 1);
    assert.deepEqual((await same.items.query("select value c.n from c").fetchAll()).resources, [1]);
    assert.equal(await codeOf(same.items.create({ id: "b" })), 401);
    reader.dispose();
  });
});

Deno.test("a wrong key is refused", options, async () => {
  await withContainer(async (_, cosmos) => {
    const stranger = clientOf(cosmos, btoa("not the key"));
    assert.equal(await codeOf(stranger.database("shop").read()), 401);
    stranger.dispose();
  });
});

Deno.test("an item with a time to live is gone when it is over", options, async () => {
  await withHome(async (home) => {
    let now = Date.now();
    const cosmos = await startCosmos({ directory: join(home, "cosmos"), now: () => now });
    const client = clientOf(cosmos);
    const { database } = await client.databases.createIfNotExists({ id: "d" });
    const { container } = await database.containers.createIfNotExists({
      id: "c",
      partitionKey: { paths: ["/id"] },
      defaultTtl: -1,
    });
    await container.items.create({ id: "short", ttl: 60 });
    await container.items.create({ id: "long" });
    now += 61_000;
    assert.equal((await container.item("short", "short").read()).resource, undefined);
    const { resources } = await container.items.query("select value c.id from c").fetchAll();
    assert.deepEqual(resources, ["long"]);
    client.dispose();
    await cosmos.close();
  });
});

Deno.test("items and keys are there again after a restart", options, async () => {
  await withHome(async (home) => {
    const directory = join(home, "cosmos");
    const first = await startCosmos({ directory });
    const client = clientOf(first);
    const { database } = await client.databases.createIfNotExists({ id: "d" });
    const { container } = await database.containers.createIfNotExists({
      id: "c",
      partitionKey: "/id",
    });
    await container.items.create({ id: "ünï|cødé 😀", n: 1 });
    client.dispose();
    await first.close();
    const second = await startCosmos({ directory });
    assert.equal(second.writeKey, first.writeKey);
    const again = clientOf(second);
    const { resource } = await again.database("d").container("c")
      .item("ünï|cødé 😀", "ünï|cødé 😀").read();
    assert.equal(resource?.n, 1);
    again.dispose();
    await second.close();
  });
});

Deno.test("the SDK tries a throttled request again until it goes through", options, async () => {
  await withContainer(async (container, cosmos) => {
    cosmos.throttle(3);
    assert.equal((await container.items.create({ id: "a" })).statusCode, 201);
  });
});

Deno.test("a container that was dropped and made again is empty", options, async () => {
  await withContainer(async (container, _, client) => {
    await container.items.create({ id: "a" });
    await container.delete();
    const { container: again } = await client.database("shop").containers
      .createIfNotExists({ id: "items", partitionKey: { paths: ["/id"] } });
    assert.equal((await again.item("a", "a").read()).resource, undefined);
  });
});
