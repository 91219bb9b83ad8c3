import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Config, homePaths, loadConfig, waitUntil } from "clickstream/config";
import { EVENT_COLUMNS, generateShop, readEvents } from "clickstream/events";
import { closeLakehouse, type Lakehouse, openLakehouse, records } from "clickstream/lakehouse";
import {
  currentSql,
  eventSets,
  expiredSql,
  inferenceTable,
  valueColumns,
} from "clickstream/metrics";
import {
  closeOnlineStore,
  containerOf,
  documentsSql,
  type OnlineDocument,
  type OnlineStore,
  openOnlineStore,
} from "clickstream/online";
import {
  checkConsistency,
  countTies,
  type HistoryFile,
  liveHalfEnded,
  type LiveStream,
  publishHistory,
  readQuery,
  readState,
  seedOnlineStore,
  stageEvents,
  startReplay,
  startStream,
  streamFiles,
  type StreamStatus,
} from "clickstream/streaming";
import { startEventHubs } from "../../lib/emulators/event_hubs/mod.ts";
import { type Cosmos, startCosmos } from "../../lib/emulators/cosmos/mod.ts";
import { withHome } from "../support.ts";

/** A small shop whose history is published, with both services running in this process. */
export interface SmallShop {
  config: Config;
  lake: Lakehouse;
  store: OnlineStore;
  connectionString: string;
  /** The online store's endpoint and writing key. */
  endpoint: string;
  key: string;
}

/** A shop whose services are those of this process. */
export interface OwnShop extends SmallShop {
  cosmos: Cosmos;
}

/** Runs `body` with a small shop; everything is closed and removed afterwards. */
export async function withShop(
  events: number,
  body: (shop: OwnShop) => Promise<void>,
): Promise<void> {
  await withHome(async (home) => {
    const config = loadConfig({ CLICKSTREAM_HOME: home });
    const hubs = await startEventHubs({
      directory: join(home, "hubs"),
      hubs: [{ name: "electronics-events", partitions: 4 }],
    });
    const cosmos = await startCosmos({ directory: join(home, "cosmos") });
    const lake = await openLakehouse(homePaths(config).lakehouse, { threads: 1 });
    const { endpoint, writeKey: key } = cosmos;
    const store = openOnlineStore({ endpoint, key, database: "clickstream" });
    try {
      await publishShop({ config, lake, store }, events);
      const connectionString = hubs.connectionString("electronics-events");
      await body({ config, lake, store, connectionString, endpoint, key, cosmos });
    } finally {
      closeOnlineStore(store);
      await closeLakehouse(lake);
      await cosmos.close();
      await hubs.close();
    }
  });
}

/** Makes a shop of so many events and publishes its history. */
export async function publishShop(
  { config, lake, store }: Pick<SmallShop, "config" | "lake" | "store">,
  events: number,
): Promise<void> {
  const { file } = await generateShop({ events, seed: 7, directory: join(config.home, "source") });
  const connection = await lake.connect();
  const { table } = await readEvents(connection, file);
  const cutoff = new Date("2021-02-01T00:00:00Z");
  await stageEvents(lake, { connection, relation: table, cutoff });
  connection.closeSync();
  await publishHistory(lake, config);
  await seedOnlineStore(lake, store, readState<HistoryFile>(streamFiles(config).history)!);
}

/** Sends everything staged and streams it to its end. */
export async function runLiveHalf(shop: SmallShop): Promise<StreamStatus> {
  const query = await startStream({ ...shop, commitMillis: 50, goldMillis: 200 });
  const replay = await startReplay({ ...shop, speed: "max" });
  await replay.finished;
  await endWhenSent(shop, query);
  return query.status();
}

/** Waits until a query has committed what was sent, and ends it. */
export async function endWhenSent(shop: SmallShop, query: LiveStream): Promise<void> {
  await waitUntil(() => liveHalfEnded(shop.config, query), {
    timeoutMs: 600_000,
    what: "the stream to commit what was sent",
  });
  await query.stop();
}

/** Runs one of the project's commands against a shop, in a process of its own. */
export async function runShopCommand(
  { config, connectionString, endpoint, key }: SmallShop,
  script: string,
  args: string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", fileURLToPath(new URL(`../../${script}`, import.meta.url)), ...args],
    env: {
      NO_COLOR: "1",
      CLICKSTREAM_HOME: config.home,
      EVENT_HUBS_CONNECTION_STRING: connectionString,
      COSMOS_ENDPOINT: endpoint,
      COSMOS_READ_KEY: key,
      COSMOS_WRITE_KEY: key,
    },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

/** Rows of gold that differ from a recount of silver. */
export async function goldDifferences({ lake }: SmallShop): Promise<Record<string, number>> {
  const differences: Record<string, number> = {};
  for (const set of eventSets) {
    const columns = [...valueColumns(set), "event_time"];
    const differs = columns.map((c) => `recount.${c} is distinct from held.${c}`).join(" or ");
    const [row] = await records(
      lake,
      `select count(*) as n from (${currentSql(set, "electronics_events_silver")}) as recount
       full join ${inferenceTable(set)} as held using (${set.keys.join(", ")}) where ${differs}`,
    );
    differences[set.name] = Number(row!.n);
  }
  return differences;
}

/** Unexpired keys whose online document is missing or holds other values than gold; documents of no such key. */
export async function onlineDifferences(
  { lake, store, config }: SmallShop,
): Promise<Record<string, { wrong: number; tooMany: number }>> {
  const { watermark } = readQuery(config)!;
  const differences: Record<string, { wrong: number; tooMany: number }> = {};
  for (const set of eventSets) {
    const table = inferenceTable(set);
    const unexpired = `not ${expiredSql(set, `make_timestamp(${Math.round(watermark!)})`)}`;
    const wanted = await records(
      lake,
      documentsSql(set, `(select * from ${table} where ${unexpired})`),
    ) as OnlineDocument[];
    const { resources } = await containerOf(store, table).items
      .query<OnlineDocument>("select * from c", { maxItemCount: -1 }).fetchAll();
    const stored = new Map(resources.map((document) => [document.id, document]));
    const same = (a: OnlineDocument, b: OnlineDocument | undefined) =>
      Object.keys(a).every((name) => name.endsWith("_ts") || a[name] === b?.[name]);
    const wrong = wanted.filter((document) => !same(document, stored.get(document.id))).length;
    for (const { id } of wanted) stored.delete(id);
    differences[set.name] = { wrong, tooMany: stored.size };
  }
  return differences;
}

/**
 * What must hold after any fault: live silver is what was staged, once; gold is what silver gives,
 * the online store what gold gives, the counts tie, and nothing differs in a recount.
 */
export async function assertEqualsCleanRun(shop: SmallShop): Promise<void> {
  const columns = EVENT_COLUMNS.map((column) => column.name).join(", ");
  const differing = await records(
    shop.lake,
    `with sent as (select ${columns}, count(*) as n from staged_events
         where data_set = 'real-time' group by all),
       held as (select ${columns}, count(*) as n from electronics_events_silver
         where partition is not null group by all)
     select count(*) as n from ((from sent except from held) union all (from held except from sent))`,
  );
  assert.deepEqual(differing, [{ n: 0n }], "live silver is not what was staged");
  assert.deepEqual((await countTies(shop)).filter((tie) => !tie.ok), []);
  assert.deepEqual(await goldDifferences(shop), { cart: 0, cart_product: 0 });
  const none = { wrong: 0, tooMany: 0 };
  assert.deepEqual(await onlineDifferences(shop), { cart: none, cart_product: none });
  const found = await checkConsistency(shop);
  assert.deepEqual(found.filter((r) => r.differing + r.missing + r.extra > 0), []);
}
