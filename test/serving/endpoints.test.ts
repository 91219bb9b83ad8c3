import assert from "node:assert/strict";
import { join } from "node:path";
import { withHome } from "../support.ts";
import { connectServing, ServingError } from "clickstream/serving";
import { BIG, send, smallModel, smallModels, TOKEN, withServer } from "./support.ts";

const ALL = "/api/2.0/serving-endpoints";

Deno.test("An endpoint is created, becomes READY, scores by keys and is deleted", async () => {
  await withServer({}, async ({ url }) => {
    const client = connectServing({ url, token: TOKEN });
    const created = await client.createEndpoint({ name: "shop", model: "small" });
    assert.equal(created.name, "shop");
    const ready = await client.waitUntilReady("shop");
    assert.deepEqual(ready.state, { ready: "READY", config_update: "NOT_UPDATING" });
    assert.equal(ready.config.served_entities[0]!.entity_version, "1");
    const answer = await client.score("shop", [{
      user_id: BIG,
      user_session: "s",
      product_id: 1n,
    }]);
    assert.equal(answer.predictions.length, 1);
    assert.deepEqual((await client.listEndpoints()).map(({ name }) => name), ["shop"]);
    await client.deleteEndpoint("shop");
    assert.deepEqual(await client.listEndpoints(), []);
  });
});

Deno.test("A new endpoint is NOT_READY until its model is loaded", async () => {
  const loaded = Promise.withResolvers<void>();
  const models = {
    ...smallModels({ small: 1 }),
    load: async (name: string, version: number) => {
      if (name === "slow") await loaded.promise;
      return smallModel(name, version);
    },
    resolve: () => Promise.resolve(1),
  };
  await withServer({ models }, async ({ url }) => {
    const client = connectServing({ url, token: TOKEN });
    const created = await client.createEndpoint({ name: "slow", model: "slow" });
    assert.deepEqual(created.state, { ready: "NOT_READY", config_update: "IN_PROGRESS" });
    loaded.resolve();
    assert.equal((await client.waitUntilReady("slow")).state.ready, "READY");
  });
});

Deno.test("Creating an endpoint twice says RESOURCE_ALREADY_EXISTS; the client takes it over", async () => {
  await withServer({ models: smallModels({ small: 3 }) }, async ({ url }) => {
    const client = connectServing({ url, token: TOKEN });
    await client.createEndpoint({ name: "shop", model: "small", version: 1 });
    const again = await send(url + ALL, "POST", {
      name: "shop",
      config: { served_entities: [{ entity_name: "small", entity_version: "1" }] },
    });
    assert.deepEqual([again.status, again.json.error_code], [400, "RESOURCE_ALREADY_EXISTS"]);
    await client.createEndpoint({ name: "shop", model: "small", version: 3 });
    const ready = await client.waitUntilReady("shop");
    assert.equal(ready.config.served_entities[0]!.entity_version, "3");
  });
});

Deno.test("Creating an endpoint that follows an alias again serves what the alias is now", async () => {
  const latest = { small: 1 };
  await withServer({ models: smallModels(latest) }, async ({ url }) => {
    const client = connectServing({ url, token: TOKEN });
    await client.createEndpoint({ name: "shop", model: "small" });
    await client.waitUntilReady("shop");
    latest.small = 2;
    await client.createEndpoint({ name: "shop", model: "small" });
    const ready = await client.waitUntilReady("shop");
    assert.equal(ready.config.served_entities[0]!.entity_version, "2");
  });
});

Deno.test("An update keeps the old version in service when the new one cannot be loaded", async () => {
  const models = {
    ...smallModels({ small: 2 }),
    load: (name: string, version: number) =>
      version === 2 ? Promise.reject(new Error("broken")) : Promise.resolve(smallModel(name, 1)),
  };
  await withServer({ models, standard: { name: "small", version: "1" } }, async ({ url }) => {
    const client = connectServing({ url, token: TOKEN });
    await client.createEndpoint({ name: "shop", model: "small", version: 1 });
    await client.waitUntilReady("shop");
    await client.createEndpoint({ name: "shop", model: "small", version: 2 });
    await assert.rejects(client.waitUntilReady("shop"), ServingError);
    const answer = await client.score("shop", [{ user_id: 1, user_session: "", product_id: 1 }]);
    assert.equal(answer.model.version, "1");
  });
});

Deno.test("Unknown endpoints and models are RESOURCE_DOES_NOT_EXIST", async () => {
  await withServer({}, async ({ url }) => {
    const config = { served_entities: [{ entity_name: "none", entity_version: "1" }] };
    const answers = await Promise.all([
      send(`${url}${ALL}/none`, "GET"),
      send(`${url}${ALL}/none`, "DELETE"),
      send(`${url}${ALL}/none/config`, "PUT", config),
      send(`${url}${ALL}`, "POST", { name: "shop", config }),
      send(`${url}/serving-endpoints/none/invocations`, "POST", { inputs: [] }),
      send(
        `${url}/serving-endpoints/${encodeURIComponent("'; drop table x --")}/invocations`,
        "POST",
        {},
      ),
    ]);
    for (const { status, json } of answers) {
      assert.deepEqual([status, json.error_code], [404, "RESOURCE_DOES_NOT_EXIST"]);
    }
  });
});

Deno.test("Names that are SQL, HTML or too long are refused with the field's name", async () => {
  await withServer({}, async ({ url }) => {
    for (const name of ["<b>x</b>", "a; drop table b", "", "x".repeat(64), "a/b", 7, null]) {
      const { status, json } = await send(url + ALL, "POST", {
        name,
        config: { served_entities: [{ entity_name: "small" }] },
      });
      assert.deepEqual([status, json.error_code], [422, "INVALID_PARAMETER_VALUE"]);
      assert.match(json.message, /^name:/);
    }
  });
});

Deno.test("A promoted version takes over without a failed request, and the old one is freed after its last", async () => {
  const latest = { small: 1 };
  const freed: number[] = [];
  const models = {
    ...smallModels(latest),
    load: (name: string, version: number) =>
      Promise.resolve(smallModel(name, version, () => freed.push(version))),
  };
  await withServer({ models }, async ({ url, refresh }) => {
    const client = connectServing({ url, token: TOKEN });
    const versions: string[] = [];
    let promoted = false;
    const ask = async () => {
      while (!promoted) {
        const row = { user_id: 1, user_session: "s", product_id: 2 };
        versions.push((await client.score(null, [row])).model.version);
      }
    };
    const asking = Promise.all([ask(), ask(), ask()]);
    for (let version = 2; version <= 5; version++) {
      latest.small = version;
      assert.equal(await refresh(), 1);
      const before = versions.length;
      while (versions.length < before + 5) {
        await client.score(null, [{ user_id: 1, user_session: "", product_id: 2 }]);
      }
    }
    promoted = true;
    await asking;
    assert.deepEqual(freed, [1, 2, 3, 4]);
    assert.equal(versions.at(-1), "5");
  });
  assert.deepEqual(freed, [1, 2, 3, 4, 5]);
});

Deno.test("Endpoints survive a restart of the server", async () => {
  await withHome(async (home) => {
    const directory = join(home, "serving");
    const client = (url: string) => connectServing({ url, token: TOKEN });
    await withServer(
      { directory },
      ({ url }) => client(url).createEndpoint({ name: "shop", model: "small" }),
    );
    await withServer({ directory }, async ({ url }) => {
      const status = await client(url).waitUntilReady("shop");
      assert.equal(status.config.served_entities[0]!.entity_name, "small");
    });
  });
});

Deno.test("Without a registered model the server runs and says what to do", async () => {
  await withServer({ standard: { name: "absent", version: "production" } }, async ({ url }) => {
    const { status, json } = await send(`${url}/invocations`, "POST", {
      inputs: { user_id: 1, user_session: null, product_id: 2 },
    });
    assert.deepEqual([status, json.error_code], [404, "RESOURCE_DOES_NOT_EXIST"]);
    assert.match(json.message, /absent/);
  });
});
