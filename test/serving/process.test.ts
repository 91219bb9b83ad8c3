import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, homePaths, loadConfig, waitUntil } from "clickstream/config";
import { ensureServices, stopServices } from "clickstream/emulators";
import {
  closeLakehouse,
  type Lakehouse,
  openLakehouse,
  records,
  tableExists,
} from "clickstream/lakehouse";
import { inferenceTable, metricSets } from "clickstream/metrics";
import { registerModel, scoreRows, setAlias, trainPropensity } from "clickstream/model";
import {
  closeOnlineStore,
  createContainers,
  documentId,
  lookUpSets,
  onlineStoreOptions,
  openOnlineStore,
  overwriteDocuments,
} from "clickstream/online";
import { containerOf } from "clickstream/online";
import { ensureServing, servingClient, stopServing } from "clickstream/serving";
import { makeRows } from "../model/rows.ts";
import { withHome } from "../support.ts";
import { BIG } from "./support.ts";

const KEYS = { user_id: BIG, user_session: "s|1 ü", product_id: BIG - 1n };
const COUNTS = { events: 3, views: 2, carts: 1, purchases: 0, views_to_events: 2 / 3 };

/** Runs `body` with a home that has a model in production and one cart in its online store. */
async function withTrainedHome(body: (config: Config) => Promise<void>): Promise<void> {
  // With DuckDB loaded, Deno 2.8.0 can lose a timeout that is set where another one's wait ends: an
  // interval keeps its event loop turning.
  const turning = setInterval(() => {}, 50);
  await withHome(async (home) => {
    const config = loadConfig({ CLICKSTREAM_HOME: home });
    try {
      await publishCart(config);
      const model = await trainPropensity(makeRows(2000, 1).frame, { baselines: false });
      const { registry } = homePaths(config);
      const name = config.model.inferenceName;
      await setAlias(registry, name, "production", await registerModel(registry, model, { name }));
      await body(config);
    } finally {
      await stopServing(config);
      await stopServices(config);
      clearInterval(turning);
    }
  });
}

async function publishCart(config: Config): Promise<void> {
  const store = openOnlineStore(onlineStoreOptions(await ensureServices(config), config, "write"));
  try {
    await createContainers(store, lookUpSets.map(({ table }) => table));
    const cart = metricSets.find(({ name }) => name === "cart")!;
    await overwriteDocuments(containerOf(store, inferenceTable(cart)), [{
      id: documentId([KEYS.user_id, KEYS.user_session]),
      version: 1,
      event_time: "2021-02-01T12:00:00.000000Z",
      ...COUNTS,
    }]);
  } finally {
    closeOnlineStore(store);
  }
}

Deno.test({
  name:
    "The serving process starts once, scores by keys as the model does, and logs what it scored",
  // The model library and the SDK keep timers and native handles of their own.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    withTrainedHome(async (config) => {
      const [first, second] = await Promise.all([ensureServing(config), ensureServing(config)]);
      assert.equal(first.url, second.url);
      assert.notEqual(first.token, second.token);

      const client = await servingClient(config);
      const name = config.model.inferenceName;
      await client.createEndpoint({ name: "propensity", model: name });
      await client.createEndpoint({ name: "propensity", model: name });
      const ready = await client.waitUntilReady("propensity");
      assert.equal(ready.config.served_entities[0]!.entity_version, "1");

      const asked = { ...KEYS, event_time: "2021-02-01T12:00:30Z" };
      const neighbour = { ...asked, user_id: KEYS.user_id + 1n };
      const answer = await client.score("propensity", [asked, neighbour], {
        features: true,
        ages: true,
      });
      assert.equal(answer.features![0]!["cart__events"], 3);
      assert.equal(answer.features![1]!["cart__events"], null);
      assert.equal(answer.ages![0]!["cart"], 30);
      assert.ok(!answer.defaults[0]!.includes("cart") && answer.defaults[1]!.includes("cart"));
      await sameAsModel(config, answer.features!, answer.predictions);
      await inLog(config, answer.predictions);
      assert.doesNotMatch(
        readFileSync(join(homePaths(config).logs, "serving.log"), "utf8"),
        new RegExp(`${first.token}|${second.token}`),
      );
      await stopServing(config);
      assert.equal(existsSync(join(config.home, "serving.json")), false);
    }),
});

async function sameAsModel(
  config: Config,
  features: Record<string, unknown>[],
  predictions: ([number, number] | null)[],
): Promise<void> {
  const { loadModel } = await import("clickstream/model");
  const model = await loadModel(homePaths(config).registry, config.model.inferenceName);
  const rows = features.map((row) => ({
    ...row,
    event_time: new Date(row["event_time"] as string),
  }));
  const expected = await scoreRows(model, rows);
  predictions.forEach((pair, i) => assert.ok(Math.abs(pair![1] - expected[i]!) < 1e-12));
}

async function inLog(config: Config, predictions: ([number, number] | null)[]): Promise<void> {
  const lake = await openLakehouse(homePaths(config).lakehouse);
  try {
    const rows = await waitUntil(async () => {
      const found = await loggedRows(lake);
      return found.length === 2 ? found : null;
    }, { what: "the inference log", timeoutMs: 15_000, intervalMs: 100 });
    assert.deepEqual(rows.map((row) => row["user_id"]), [KEYS.user_id, KEYS.user_id + 1n]);
    assert.deepEqual(rows[0], {
      ...KEYS,
      score: predictions[0]![1],
      model_version: 1n,
      endpoint: "propensity",
    });
  } finally {
    await closeLakehouse(lake);
  }
}

async function loggedRows(lake: Lakehouse): Promise<Record<string, unknown>[]> {
  if (!await tableExists(lake, "inference_log")) return [];
  return await records(
    lake,
    `select user_id, user_session, product_id, score, model_version, endpoint
    from inference_log order by request_row`,
  );
}
