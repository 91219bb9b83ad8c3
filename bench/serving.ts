/**
 * Speed of the scoring server: server, online store and client in processes of their own, on one
 * machine. A model trained on made rows, 2,000 cart-products in the store.
 *
 *     deno run -A bench/serving.ts [--seconds 20] [--mixed-seconds 30]
 */
import pl from "nodejs-polars";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  type Config,
  homePaths,
  loadConfig,
  pause,
  runCommand,
  runningState,
} from "clickstream/config";
import { ensureServices, stopServices } from "clickstream/emulators";
import { metricColumns, metricSets } from "clickstream/metrics";
import { registerModel, setAlias, trainPropensity } from "clickstream/model";
import {
  closeOnlineStore,
  containerOf,
  createContainers,
  documentId,
  lookUpSets,
  onlineStoreOptions,
  openOnlineStore,
  overwriteDocuments,
} from "clickstream/online";
import {
  type RowToScore,
  type ServingClient,
  servingClient,
  servingPaths,
  stopServing,
} from "clickstream/serving";

/** Clock ticks a second in /proc. */
const TICKS = 100;
let serverPid = 0;
const CARTS = 2000;
const FIRST_USER = 1515915625353900095n;

await runCommand(async (args) => {
  const { values } = parseArgs({
    args,
    options: { seconds: { type: "string" }, "mixed-seconds": { type: "string" } },
  });
  const home = mkdtempSync(join(tmpdir(), "clickstream-bench-"));
  const config = loadConfig({ CLICKSTREAM_HOME: home });
  try {
    await publish(config);
    await train(config);
    const client = await servingClient(config);
    serverPid = (await runningState(servingPaths(config).stateFile))!.pid;
    await measure(client, Number(values.seconds ?? 20), Number(values["mixed-seconds"] ?? 30));
  } finally {
    await stopServing(config);
    await stopServices(config);
    rmSync(home, { recursive: true, force: true });
  }
});

function keysOf(cart: number) {
  return {
    user_id: FIRST_USER + BigInt(cart),
    user_session: `session-${cart}`,
    product_id: BigInt(cart % 100),
  };
}

/** A document in each container for every cart-product. */
async function publish(config: Config): Promise<void> {
  const store = openOnlineStore(onlineStoreOptions(await ensureServices(config), config, "write"));
  await createContainers(store, lookUpSets.map(({ table }) => table));
  for (const { table, keys } of lookUpSets) {
    const documents = new Map(
      Array.from({ length: CARTS }, (_, cart) => {
        const id = documentId(keys.map((key) => keysOf(cart)[key]));
        const values = Object.fromEntries(metricColumns.map((name, i) => [name, (cart + i) % 7]));
        const event_time = "2021-02-01T12:00:00.000000Z";
        return [id, {
          id,
          version: 1,
          event_time,
          ...values,
          purchases: 0,
          price: cart % 90,
          brand: "acer",
        }];
      }),
    );
    await overwriteDocuments(containerOf(store, table), [...documents.values()]);
  }
  closeOnlineStore(store);
}

/** Trains the network of the default size on made rows and puts it into production. */
async function train(config: Config): Promise<void> {
  const names = metricSets.flatMap((set) =>
    metricColumns.map((column) => `${set.name}__${column}`)
  );
  const rows = 5000;
  const column = (value: (row: number) => unknown) =>
    Array.from({ length: rows }, (_, i) => value(i));
  const frame = pl.DataFrame({
    user_id: column((row) => row),
    user_session: column((row) => `s${row}`),
    product_id: column((row) => row % 50),
    event_type: column((row) => row % 3 === 0 ? "cart" : "view"),
    price: column((row) => row % 90 + 0.5),
    brand: column((row) => `brand_${row % 20}`),
    label: column((row) => row % 7 === 0 ? 1 : 0),
    ...Object.fromEntries(
      names.map((name, i) => [name, column((row) => (row * 31 + i) % 11 * 1.1)]),
    ),
  });
  const { registry } = homePaths(config);
  const name = config.model.inferenceName;
  const model = await trainPropensity(frame, { baselines: false });
  await setAlias(registry, name, "production", await registerModel(registry, model, { name }));
}

async function measure(
  client: ServingClient,
  seconds: number,
  mixedSeconds: number,
): Promise<void> {
  const { features } = await client.score(null, [keysOf(0)], { features: true });
  const { event_time: _, ...given } = features![0]!;
  const thousand = Array.from({ length: 1000 }, (_, i) => ({ ...given, price: i }));
  let turn = 0;
  const uncached = () => client.score(null, [keysOf(turn++ % CARTS)], { cache: false });
  const cached = () => client.score(null, [keysOf(0)]);
  for (let i = 0; i < 300; i++) {
    await Promise.all([cached(), uncached(), client.score(null, [given])]);
  }
  for (let i = 0; i < 10; i++) await client.score(null, thousand);
  await pause(4000); // The inference log of the warm-up is written meanwhile.

  console.log("| what | requests | failed | p50 ms | p99 ms | server CPU ms a request |");
  console.log("|---|---|---|---|---|---|");
  await rate("by keys, cached, 1 row, 50 requests/s", cached, 50, seconds);
  await rate("by keys, uncached, 1 row, 50 requests/s", uncached, 50, seconds);
  await rate("by features, 1 row, 50 requests/s", () => client.score(null, [given]), 50, seconds);
  await rate(
    "by features, 1,000 rows, 2 requests/s",
    () => client.score(null, thousand),
    2,
    seconds,
  );
  const kinds: (() => Promise<unknown>)[] = [
    uncached,
    cached,
    () => client.score(null, [given]),
    () => client.score(null, Array.from({ length: 10 }, (_, i): RowToScore => keysOf(turn + i))),
  ];
  const mixed = () => kinds[turn++ % kinds.length]!();
  await rate("mixed, 200 requests/s", mixed, 200, mixedSeconds);
}

/** Sends requests at a fixed rate, whether earlier ones are answered or not, and prints their times. */
async function rate(
  what: string,
  ask: () => Promise<unknown>,
  perSecond: number,
  seconds: number,
): Promise<void> {
  const times: number[] = [];
  let failed = 0;
  const running: Promise<void>[] = [];
  const cpuBefore = cpuMs();
  const started = performance.now();
  for (let i = 0; i < perSecond * seconds; i++) {
    const due = started + i * 1000 / perSecond;
    const early = due - performance.now();
    if (early > 0.5) await pause(early);
    const before = performance.now();
    running.push(
      ask().then(() => void times.push(performance.now() - before), () => void failed++),
    );
  }
  await Promise.all(running);
  times.sort((a, b) => a - b);
  const at = (share: number) => (times[Math.floor(times.length * share)] ?? NaN).toFixed(2);
  const cpu = ((cpuMs() - cpuBefore) / running.length).toFixed(2);
  console.log(`| ${what} | ${running.length} | ${failed} | ${at(0.5)} | ${at(0.99)} | ${cpu} |`);
}

/** CPU time that the server has used; not known on other systems than Linux. */
function cpuMs(): number {
  try {
    const fields = readFileSync(`/proc/${serverPid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 1000 / TICKS;
  } catch {
    return NaN;
  }
}
