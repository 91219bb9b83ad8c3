import assert from "node:assert/strict";
import { CosmosClient } from "@azure/cosmos";
import { EventHubProducerClient } from "@azure/event-hubs";
import { existsSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { homePaths, loadConfig, NotFoundError, waitUntil } from "clickstream/config";
import {
  createHub,
  ensureServices,
  resetHub,
  stopServices,
  throttleCosmos,
} from "clickstream/emulators";
import { withHome } from "../support.ts";

const MAIN = fileURLToPath(new URL("../../lib/emulators/main.ts", import.meta.url));
const ASK = fileURLToPath(new URL("./ask_for_services.ts", import.meta.url));

Deno.test("three processes that ask at once share one services process", async () => {
  await withServices(async (config) => {
    const args = ["run", "-A", "--quiet", ASK, config.home];
    const asked = await Promise.all(
      [1, 2, 3].map(() => new Deno.Command(Deno.execPath(), { args }).output()),
    );
    const answers = asked.map((one) => JSON.parse(new TextDecoder().decode(one.stdout)));
    assert.equal(new Set(answers.map((one) => one.pid)).size, 1);
    assert.deepEqual(answers[0], await ensureServices(config));
    assert.equal(statSync(homePaths(config).services).mode & 0o077, 0, "others may not read keys");
  });
});

Deno.test("stopped and started again, the services keep ports, keys and events", async () => {
  await withServices(async (config) => {
    const before = await ensureServices(config);
    await send(before.eventHubs.connectionString, ["kept"]);
    assert.equal(await stopServices(config), true);
    assert.equal(existsSync(homePaths(config).services), false);
    const after = await ensureServices(config);
    assert.notEqual(after.pid, before.pid);
    assert.deepEqual({ ...after, pid: 0 }, { ...before, pid: 0 });
    assert.equal(await eventsIn(after.eventHubs.connectionString), 1);
  });
});

Deno.test("the store beside the hubs keeps its items, with a key for reading and one for writing", async () => {
  await withServices(async (config) => {
    const before = await ensureServices(config);
    const { endpoint, writeKey, readKey } = before.cosmos;
    const writer = new CosmosClient({ endpoint, key: writeKey });
    const { database } = await writer.databases.createIfNotExists({ id: "clickstream" });
    const { container } = await database.containers.createIfNotExists({
      id: "carts",
      partitionKey: "/id",
    });
    await container.items.upsert({ id: "a|b", version: 1 });
    assert.match(await (await fetch(before.statusUrl)).text(), /carts/);
    await stopServices(config);
    const after = await ensureServices(config);
    assert.deepEqual(after.cosmos, before.cosmos);
    const reader = new CosmosClient({ endpoint, key: readKey });
    const carts = reader.database("clickstream").container("carts");
    assert.equal((await carts.item("a|b", "a|b").read()).resource.version, 1);
    await assert.rejects(carts.items.upsert({ id: "c" }));
    writer.dispose();
    reader.dispose();
  });
});

Deno.test("killed in the middle, the services start again with what they acknowledged", async () => {
  await withServices(async (config) => {
    const before = await ensureServices(config);
    await send(before.eventHubs.connectionString, ["a", "b", "c"]);
    Deno.kill(before.pid, "SIGKILL");
    const after = await ensureServices(config);
    assert.notEqual(after.pid, before.pid);
    assert.equal(await eventsIn(after.eventHubs.connectionString), 3);
  });
});

Deno.test("resetHub leaves the hub empty, with sequence numbers beginning again", async () => {
  await withServices(async (config) => {
    await assert.rejects(resetHub(config), NotFoundError);
    const services = await ensureServices(config);
    await send(services.eventHubs.connectionString, ["old", "older"]);
    await resetHub(config);
    assert.equal(await eventsIn(services.eventHubs.connectionString), 0);
    await send(services.eventHubs.connectionString, ["new"]);
    assert.equal(await eventsIn(services.eventHubs.connectionString), 1);
    await assert.rejects(resetHub(config, "no-such-hub"), NotFoundError);
  });
});

Deno.test("the status page shows hubs, groups and rates, and admin calls need the token", async () => {
  await withServices(async (config) => {
    const { statusUrl } = await ensureServices(config);
    await createHub(config, { name: "clicks", partitions: 2, consumerGroups: ["late"] });
    const page = await (await fetch(statusUrl)).text();
    assert.match(page, /electronics-events/);
    assert.match(page, /clicks/);
    assert.match(page, /late/);
    assert.match(page, /in\/s/);
    const status = await (await fetch(new URL("status.json", statusUrl))).json();
    assert.deepEqual(
      status.eventHubs.hubs.map((hub: { name: string }) => hub.name),
      ["electronics-events", "clicks"],
    );
    const reset = new URL("admin/hubs/clicks/reset", statusUrl);
    const refused = await fetch(reset, { method: "POST" });
    assert.equal(refused.status, 401);
    await refused.body?.cancel();
    await assert.rejects(createHub(config, { name: "clicks", partitions: 3 }), /2 partitions/);
  });
});

Deno.test("the services process ends by itself when its home is gone", async () => {
  await withHome(async (home) => {
    const config = loadConfig({ CLICKSTREAM_HOME: home });
    const { pid } = await ensureServices(config);
    Deno.removeSync(homePaths(config).services);
    await waitUntil(() => !existsSync(`/proc/${pid}/fd`) || isZombie(pid), {
      what: "the process to end",
      timeoutMs: 15_000,
    });
  });
});

Deno.test("the services process ends by itself when nobody uses it", async () => {
  await withHome(async (home) => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", MAIN, "serve", "--idle-minutes", "0.01"],
      env: { CLICKSTREAM_HOME: home },
    }).output();
    assert.equal(code, 0);
    assert.match(new TextDecoder().decode(stderr), /idle for 0.6 s/);
    assert.equal(existsSync(homePaths(loadConfig({ CLICKSTREAM_HOME: home })).services), false);
  });
});

Deno.test("the command makes and resets hubs, and names what is wrong", async () => {
  await withServices(async (config) => {
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", MAIN, ...args],
        env: { CLICKSTREAM_HOME: config.home },
      }).output();
      const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      return { code, text };
    };
    const made = await run("--", "hub", "clicks", "--partitions", "2", "--groups", "late");
    assert.equal(made.code, 0, made.text);
    assert.match(made.text, /EntityPath=clicks/);
    const key = await run("key", "reader", "--rights", "Listen", "--hub", "clicks");
    assert.match(key.text, /SharedAccessKeyName=reader;SharedAccessKey=.+;EntityPath=clicks\n$/);
    assert.equal(await eventsIn(key.text.trim()), 0);
    assert.equal((await run("reset", "clicks")).code, 0);
    assert.equal((await run("throttle", "0")).code, 0);
    const wrongs = [
      ["reset"],
      ["reset", "nothing"],
      ["key"],
      ["key", "x"],
      ["key", "x", "--rights", "Fly"],
      ["key", "x", "--rights", "Send", "--hub", "nothing"],
      ["throttle", "many"],
      ["dance"],
      ["--loud"],
    ];
    for (const wrong of wrongs) {
      const { code, text } = await run(...wrong);
      assert.equal(code, 1);
      assert.doesNotMatch(text, /at file:/, "no stack trace");
    }
    const stopped = await run("stop");
    assert.equal(stopped.text, "Stopped.\n");
  });
});

Deno.test("what the command prints is all that the unchanged SDKs need", async () => {
  await withServices(async (config) => {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", MAIN],
      env: { CLICKSTREAM_HOME: config.home },
    }).output();
    const lines = new TextDecoder().decode(stdout).matchAll(/^([A-Z_]+)="(.+)"$/gm);
    const printed = Object.fromEntries([...lines].map(([, name, value]) => [name, value!]));
    await send(printed.EVENT_HUBS_CONNECTION_STRING!, ["one"]);
    assert.equal(await eventsIn(printed.EVENT_HUBS_CONNECTION_STRING!), 1);
    const endpoint = printed.COSMOS_ENDPOINT!;
    const writer = new CosmosClient({ endpoint, key: printed.COSMOS_WRITE_KEY! });
    const { database } = await writer.databases.createIfNotExists({ id: "shop" });
    const { container } = await database.containers.createIfNotExists({
      id: "carts",
      partitionKey: "/id",
    });
    await throttleCosmos(config, 2);
    const upserted = await container.items.upsert({ id: "7" });
    const { retryDiagnostics } = upserted.diagnostics.clientSideRequestStatistics;
    assert.ok(retryDiagnostics.failedAttempts.length > 0, "it was throttled, and tried again");
    const reader = new CosmosClient({ endpoint, key: printed.COSMOS_READ_KEY! });
    const read = await reader.database("shop").container("carts").item("7", "7").read();
    assert.equal(read.resource.id, "7");
    writer.dispose();
    reader.dispose();
  });
});

Deno.test("with profile azure nothing is started and the configuration is given back", async () => {
  await withHome(async (home) => {
    const config = loadConfig({
      CLICKSTREAM_HOME: home,
      CLICKSTREAM_PROFILE: "azure",
      EVENT_HUBS_CONNECTION_STRING: "Endpoint=sb://x;EntityPath=hub",
      COSMOS_ENDPOINT: "https://x.example",
      COSMOS_READ_KEY: "r",
      COSMOS_WRITE_KEY: "w",
    });
    const services = await ensureServices(config);
    assert.equal(services.eventHubs.connectionString, "Endpoint=sb://x;EntityPath=hub");
    assert.deepEqual(services.cosmos, {
      endpoint: "https://x.example",
      readKey: "r",
      writeKey: "w",
    });
    assert.equal(services.pid, 0);
    assert.equal(existsSync(homePaths(config).services), false);
  });
});

function withServices(body: (config: ReturnType<typeof loadConfig>) => Promise<void>) {
  return withHome(async (home) => {
    const config = loadConfig({ CLICKSTREAM_HOME: home });
    try {
      await body(config);
    } finally {
      await stopServices(config);
    }
  });
}

async function send(connectionString: string, bodies: string[]): Promise<void> {
  const producer = new EventHubProducerClient(connectionString);
  await producer.sendBatch(bodies.map((body) => ({ body })), { partitionId: "0" });
  await producer.close();
}

async function eventsIn(connectionString: string): Promise<number> {
  const producer = new EventHubProducerClient(connectionString);
  const { lastEnqueuedSequenceNumber } = await producer.getPartitionProperties("0");
  await producer.close();
  return lastEnqueuedSequenceNumber + 1;
}

function isZombie(pid: number): boolean {
  return readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
}
