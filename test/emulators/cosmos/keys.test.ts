import assert from "node:assert/strict";
import {
  type Container,
  PartitionKeyDefinitionVersion,
  PartitionKeyKind,
  type PatchOperation,
} from "@azure/cosmos";
import fc from "fast-check";
import { join } from "node:path";
import { startCosmos } from "../../../lib/emulators/cosmos/mod.ts";
import { effectiveKey } from "../../../lib/emulators/cosmos/effective_key.ts";
import { parsePartitionKey } from "../../../lib/emulators/cosmos/partition_key.ts";
import { withHome } from "../../support.ts";
import { clientOf, codeOf, withContainer } from "./support.ts";

const options = { sanitizeOps: false, sanitizeResources: false };
const levels = {
  partitionKey: {
    paths: ["/tenant", "/user", "/session"],
    kind: PartitionKeyKind.MultiHash,
    version: PartitionKeyDefinitionVersion.V2,
  },
};

/** An operator of the service that this SDK's types leave out. */
function move(from: string, path: string): PatchOperation {
  return { op: "move", from, path } as unknown as PatchOperation;
}

async function ids(container: Container, query: string, partitionKey?: (string | number)[]) {
  const asked = partitionKey === undefined ? {} : { partitionKey };
  const { resources } = await container.items.query<string>(query, asked).fetchAll();
  return resources.sort();
}

Deno.test(
  "a hierarchical key is whole for items, and a prefix of it suffices for queries",
  options,
  async () => {
    await withContainer(async (container) => {
      for (let n = 0; n < 24; n++) {
        const [tenant, user, session] = [`t${n % 2}`, `u${n % 3}`, n % 4];
        await container.items.create({ id: String(n).padStart(2, "0"), tenant, user, session });
      }
      assert.equal((await container.item("05", ["t1", "u2", 1]).read()).resource?.id, "05");
      assert.equal((await container.item("05", ["t1", "u2", 2]).read()).resource, undefined);
      assert.equal(await codeOf(container.item("05", ["t1", "u2"]).delete()), 400);
      const all = "select value c.id from c";
      assert.equal((await ids(container, all, ["t1"])).length, 12);
      assert.deepEqual(await ids(container, all, ["t1", "u2"]), ["05", "11", "17", "23"]);
      assert.deepEqual(await ids(container, all, ["t1", "u2", 1]), ["05", "17"]);
      assert.deepEqual(await ids(container, all, ["t", "u2"]), []);
      const where =
        "select value c.id from c where c.session = 1 and c.user = 'u2' and c.tenant = 't1'";
      assert.deepEqual(await ids(container, where), ["05", "17"]);
    }, levels);
  },
);

Deno.test("a value of a hierarchical key is no prefix of a longer one", options, async () => {
  await withContainer(async (container) => {
    const names = ["a", "a,", "a-", 'a"', 'a","b', "a]", "ä", "", "a b"];
    for (const tenant of names) {
      await container.items.create({ id: "x", tenant, user: "u", session: 1 });
    }
    for (const tenant of names) {
      const found = await container.items.query("select value c.tenant from c", {
        partitionKey: [tenant],
      })
        .fetchAll();
      assert.deepEqual(found.resources, [tenant]);
    }
  }, levels);
});

Deno.test("items without a partition key value have one of their own", options, async () => {
  await withContainer(async (container) => {
    await container.items.create({ id: "a" });
    await container.items.create({ id: "a", tenant: null });
    assert.equal((await container.item("a", undefined).read()).resource?.tenant, undefined);
    assert.equal((await container.item("a", null).read()).resource?.tenant, null);
  }, { partitionKey: { paths: ["/tenant"] } });
});

Deno.test("effective keys are those of the service's SDKs", () => {
  const single = parsePartitionKey({ paths: ["/a"] });
  // From the SDKs' own test data.
  assert.equal(effectiveKey(single, [""]), "32E9366E637A71B4E710384B2F4970A0");
  assert.equal(effectiveKey(single, ["partitionKey"]), "013AEFCF77FA271571CF665A58C933F1");
  assert.equal(effectiveKey(single, [null]), "378867E4430E67857ACE5C908374FE16");
  assert.equal(effectiveKey(single, [true]), "0E711127C5B5A8E4726AC6DD306A3E59");
  assert.equal(effectiveKey(single, [5]), "19C08621B135968252FB34B4CF66F811");
});

Deno.test("ETag conditions hold for read, replace, upsert and delete", options, async () => {
  await withContainer(async (container) => {
    const first = await container.items.create({ id: "a", n: 1 });
    const item = container.item("a", "a");
    const when = (type: "IfMatch" | "IfNoneMatch", condition: string) => ({
      accessCondition: { type, condition },
    });
    assert.equal((await item.read(when("IfNoneMatch", first.etag))).statusCode, 304);
    const second = await item.replace({ id: "a", n: 2 }, when("IfMatch", first.etag));
    assert.notEqual(second.etag, first.etag);
    assert.equal((await item.read(when("IfNoneMatch", first.etag))).resource?.n, 2);
    const stale = when("IfMatch", first.etag);
    assert.equal(await codeOf(container.items.upsert({ id: "a" }, stale)), 412);
    assert.equal(await codeOf(item.delete(stale)), 412);
    assert.equal(await codeOf(item.patch([{ op: "incr", path: "/n", value: 1 }], stale)), 412);
    await item.delete(when("IfMatch", "*"));
  });
});

Deno.test(
  "a patch applies all of its operations or none, and only when its condition holds",
  options,
  async () => {
    await withContainer(async (container) => {
      await container.items.create({ id: "a", n: 1, list: [1, 2, 3], deep: { x: 1 } });
      const item = container.item("a", "a");
      const operations = [{ op: "incr" as const, path: "/n", value: 1 }];
      assert.equal(
        await codeOf(item.patch({ operations, condition: "from c where c.n > 1" })),
        412,
      );
      await item.patch({ operations, condition: "from c where c.n = 1 and is_defined(c._etag)" });
      const half = [...operations, { op: "replace" as const, path: "/none", value: 1 }];
      assert.equal(await codeOf(item.patch(half)), 400);
      const { resource } = await item.patch([
        { op: "add", path: "/list/1", value: 9 },
        { op: "remove", path: "/list/0" },
        { op: "set", path: "/__proto__", value: 7 },
        move("/deep/x", "/x"),
      ]);
      const { n, list, x, deep } = resource!;
      assert.deepEqual({ n, list, x, deep }, { n: 2, list: [9, 2, 3], x: 1, deep: {} });
      assert.equal(Object.getOwnPropertyDescriptor(resource, "__proto__")?.value, 7);
      for (const path of ["/id", "/_ts"]) {
        assert.equal(await codeOf(item.patch([{ op: "set", path, value: "b" }])), 400);
      }
      assert.equal(await codeOf(item.patch([move("/list", "/list/0")])), 400);
    });
  },
);

Deno.test("a transactional batch does all six operations, or nothing at all", options, async () => {
  await withContainer(async (container) => {
    const { result, code } = await container.items.batch([
      { operationType: "Create", resourceBody: { id: "1", tenant: "t", n: 1 } },
      { operationType: "Upsert", resourceBody: { id: "2", tenant: "t", n: 1 } },
      { operationType: "Read", id: "1" },
      { operationType: "Replace", id: "2", resourceBody: { id: "2", tenant: "t", n: 5 } },
      {
        operationType: "Patch",
        id: "2",
        resourceBody: { operations: [{ op: "incr", path: "/n", value: 2 }] },
      },
      { operationType: "Delete", id: "1" },
    ], "t");
    assert.equal(code, 200);
    assert.deepEqual(result?.map((one) => one.statusCode), [201, 201, 200, 200, 200, 204]);
    const failed = await container.items.batch([
      { operationType: "Delete", id: "2" },
      { operationType: "Create", resourceBody: { id: "3", tenant: "elsewhere" } },
    ], "t");
    assert.equal(failed.code, 207);
    assert.deepEqual(failed.result?.map((one) => one.statusCode), [424, 400]);
    assert.equal((await container.item("2", "t").read()).resource?.n, 7);
  }, { partitionKey: { paths: ["/tenant"] } });
});

Deno.test(
  "expired items are deleted for good, by the container's time or their own",
  options,
  async () => {
    await withHome(async (home) => {
      let now = Date.now();
      const cosmos = await startCosmos({ directory: join(home, "cosmos"), now: () => now });
      const client = clientOf(cosmos);
      const { database } = await client.databases.createIfNotExists({ id: "d" });
      const definition = { id: "c", partitionKey: { paths: ["/id"] } };
      const { container } = await database.containers.createIfNotExists(definition);
      for (
        const [id, ttl] of [["short", 5], ["long", 500], ["ever", -1], ["plain", null]] as const
      ) {
        await container.items.create({ id, ...(ttl === null ? {} : { ttl }) });
      }
      now += 10_000;
      assert.equal((await ids(container, "select value c.id from c")).length, 4);
      await container.replace({ ...definition, defaultTtl: 9 });
      assert.deepEqual(await ids(container, "select value c.id from c"), ["ever", "long"]);
      const count = await container.items.query("select value count(1) from c").fetchAll();
      assert.deepEqual(count.resources, [2]);
      assert.equal((await container.items.create({ id: "short" })).statusCode, 201);
      const held = () => cosmos.status().databases[0]!.containers[0]!.items;
      for (let tries = 0; held() !== 3 && tries < 100; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      assert.equal(held(), 3);
      assert.equal(await codeOf(container.replace({ ...definition, defaultTtl: 0 })), 400);
      assert.equal(
        await codeOf(container.replace({ id: "c", partitionKey: { paths: ["/x"] } })),
        400,
      );
      client.dispose();
      await cosmos.close();
    });
  },
);

Deno.test("numbers are doubles, as in the service", options, async () => {
  await withContainer(async (container) => {
    await fc.assert(
      fc.asyncProperty(fc.double({ noNaN: true, noDefaultInfinity: true }), async (n) => {
        await container.items.upsert({ id: "n", n });
        const { resource } = await container.item("n", "n").read();
        assert.equal(resource?.n === n, true);
      }),
      { numRuns: 20 },
    );
  });
});

Deno.test(
  "a unique key holds within a partition key, whatever writes, and over a restart",
  options,
  async () => {
    await withHome(async (home) => {
      const directory = join(home, "cosmos");
      const first = await startCosmos({ directory });
      const client = clientOf(first);
      const { database } = await client.databases.createIfNotExists({ id: "d" });
      const definition = {
        id: "c",
        partitionKey: { paths: ["/tenant"] },
        uniqueKeyPolicy: { uniqueKeys: [{ paths: ["/mail", '/it\'s/"deep"'] }] },
      };
      const { container } = await database.containers.createIfNotExists(definition);
      const item = (id: string, mail?: string, tenant = "t") => ({
        id,
        tenant,
        ...(mail === undefined ? {} : { mail }),
      });
      await container.items.create(item("1", "a"));
      await container.items.create(item("1", "a", "elsewhere"));
      await container.items.create({ ...item("2", "a"), "it's": { deep: 1 } });
      await container.items.create(item("3"));
      assert.equal(await codeOf(container.items.create(item("4", "a"))), 409);
      assert.equal(await codeOf(container.items.create(item("4"))), 409, "nothing is a value, too");
      assert.equal(await codeOf(container.items.upsert(item("4", "a"))), 409);
      assert.equal(await codeOf(container.item("3", "t").replace(item("3", "a"))), 409);
      const patch = container.item("3", "t").patch([{ op: "set", path: "/mail", value: "a" }]);
      assert.equal(await codeOf(patch), 409);
      const operations = [
        { operationType: "Upsert" as const, partitionKey: "t", resourceBody: item("5", "b") },
        { operationType: "Upsert" as const, partitionKey: "t", resourceBody: item("6", "b") },
      ];
      const bulk = await container.items.bulk(operations);
      assert.deepEqual(bulk.map(({ statusCode }) => statusCode), [201, 409]);
      assert.equal((await container.items.upsert(item("5", "b"))).statusCode, 200);
      const changed = { ...definition, uniqueKeyPolicy: { uniqueKeys: [] } };
      assert.equal(await codeOf(container.replace(changed)), 400);
      const wrong = { ...definition, id: "x", uniqueKeyPolicy: { uniqueKeys: [{ paths: ["a"] }] } };
      assert.equal(await codeOf(database.containers.create(wrong)), 400);
      const computed = { computedProperties: [{ name: "x", query: "SELECT VALUE 1 FROM c" }] };
      const other = { id: "y", partitionKey: "/tenant", ...computed };
      assert.equal(await codeOf(database.containers.create(other)), 400);
      client.dispose();
      await first.close();
      const second = await startCosmos({ directory });
      const again = clientOf(second);
      const same = again.database("d").container("c");
      assert.equal(await codeOf(same.items.create(item("7", "b"))), 409);
      again.dispose();
      await second.close();
    });
  },
);

Deno.test("all items of a partition key are deleted at once, and no others", options, async () => {
  for (const paths of [["/tenant"], ["/id"], ["/tenant", "/user"]]) {
    await withContainer(async (container, cosmos) => {
      for (let n = 0; n < 20; n++) {
        await container.items.create({ id: String(n), tenant: `t${n % 2}`, user: "u" });
      }
      const key = { "/tenant": ["t1"], "/id": ["7"], "/tenant/user": ["t1", "u"] }[paths.join("")];
      assert.equal((await container.deleteAllItemsForPartitionKey(key!)).statusCode, 200);
      const left = paths[0] === "/id" ? 19 : 10;
      assert.equal((await ids(container, "select value c.id from c")).length, left);
      assert.equal(cosmos.status().databases[0]!.containers[0]!.items, left);
      const reader = clientOf(cosmos, cosmos.readKey).database("shop").container("items");
      assert.equal(await codeOf(reader.deleteAllItemsForPartitionKey(key!)), 401);
    }, { partitionKey: { paths } });
  }
});
