/**
 * Speed of the scoring server and of the shop. Server, online store, shop and client are processes of
 * their own on one machine; model and features come from a small synthetic shop.
 *
 *     deno run -A bench/serving.ts [--seconds 15] [--mixed-seconds 60] [--mlflow VENV/bin/mlflow]
 *
 * `--mixed-seconds 600` is the long form. With `--mlflow`, MLflow's own server answers the same
 * requests in the same run.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Config, loadConfig, pause, runCommand, runningState } from "clickstream/config";
import { stopServices } from "clickstream/emulators";
import {
  type RowToScore,
  type ServingClient,
  servingClient,
  servingPaths,
  stopServing,
} from "clickstream/serving";
import { measureClicks } from "./serving/clicks.ts";
import { fillHome } from "./serving/home.ts";
import { type MlflowServer, startMlflow } from "./serving/mlflow.ts";
import { measureRate, printHead } from "./serving/rate.ts";

const EVENTS = 10_000;

await runCommand(async (args) => {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: "string", default: "15" },
      "mixed-seconds": { type: "string", default: "60" },
      mlflow: { type: "string" },
    },
  });
  const home = mkdtempSync(join(tmpdir(), "clickstream-bench-"));
  const config = loadConfig({ CLICKSTREAM_HOME: home });
  try {
    const keys = await fillHome(config, EVENTS);
    const bench = await openBench(config, keys, Number(values.seconds));
    console.log(`${keys.length} cart-products, ${Object.keys(bench.given).length} inputs\n`);
    printHead();
    await measureKeys(bench);
    await measureFeatures(bench);
    if (values.mlflow !== undefined) await measureMlflow(bench, values.mlflow, home);
    await measureMixed(bench, Number(values["mixed-seconds"]));
    await measureClicks(config, [
      { shoppers: 1, clicks: 60, target: "p95 < 300" },
      { shoppers: 4, clicks: 30 },
    ]);
  } finally {
    await stopServing(config);
    await stopServices(config);
    rmSync(home, { recursive: true });
  }
});

interface Bench {
  client: ServingClient;
  keys: RowToScore[];
  /** Every input of the model but the time, of one row. */
  given: Record<string, unknown>;
  seconds: number;
  pids: number[];
}

async function openBench(config: Config, keys: RowToScore[], seconds: number): Promise<Bench> {
  const client = await servingClient(config);
  const { features } = await client.score(null, [keys[0]!], { features: true });
  const { event_time: _, ...given } = features![0]!;
  const { pid } = (await runningState(servingPaths(config).stateFile))!;
  const bench = { client, keys, given, seconds, pids: [pid] };
  const questions = questionsOf(bench);
  for (let i = 0; i < 300; i++) await Promise.all(Object.values(questions).map((ask) => ask()));
  await pause(4000); // The inference log of the warm-up is written meanwhile.
  return bench;
}

/** The kinds of requests. One that was not answered from the store counts as failed. */
function questionsOf({ client, keys, given }: Bench) {
  let turn = 0;
  const next = () => keys[turn++ % keys.length]!;
  const ask = async (rows: RowToScore[], cache = true) => {
    const answer = await client.score(null, rows, { cache });
    if (answer.not_looked_up !== null) throw new Error(answer.not_looked_up.reason);
  };
  return {
    cached: () => ask([keys[0]!]),
    uncached: () => ask([next()], false),
    given: () => ask([given]),
    ten: () => ask(Array.from({ length: 10 }, next)),
  };
}

async function measureKeys(bench: Bench): Promise<void> {
  const { cached, uncached } = questionsOf(bench);
  const at = { ...bench, perSecond: 50 };
  await measureRate({
    ...at,
    what: "by keys, cached, 1 row, 50/s",
    ask: cached,
    target: "p50 < 3",
  });
  const target = "p50 < 10, p99 < 30";
  await measureRate({ ...at, what: "by keys, uncached, 1 row, 50/s", ask: uncached, target });
  const rows = Array.from({ length: 200 }, (_, i) => bench.keys[i % bench.keys.length]!);
  await measureRate({
    ...{ ...bench, perSecond: 2, what: "by keys, uncached, 200 rows, 2/s" },
    ask: async () => {
      const answer = await bench.client.score(null, rows, { cache: false });
      if (answer.not_looked_up !== null) throw new Error(answer.not_looked_up.reason);
    },
  });
}

function thousandOf(given: Record<string, unknown>): Record<string, unknown>[] {
  return Array.from({ length: 1000 }, (_, i) => ({ ...given, price: i }));
}

async function measureFeatures(bench: Bench): Promise<void> {
  const one = { ...bench, perSecond: 50, what: "by features, 1 row, 50/s", target: "p99 < 5" };
  await measureRate({ ...one, ask: questionsOf(bench).given });
  const rows = thousandOf(bench.given);
  const ask = () => bench.client.score(null, rows);
  for (let i = 0; i < 10; i++) await ask();
  const many = { ...bench, perSecond: 2, what: "by features, 1,000 rows, 2/s", target: "p50 < 60" };
  await measureRate({ ...many, ask });
}

async function measureMlflow(bench: Bench, command: string, home: string): Promise<void> {
  const server: MlflowServer = await startMlflow(command, home, bench.given);
  const rows = thousandOf(bench.given);
  try {
    for (let i = 0; i < 100; i++) await server.score([bench.given]);
    const of = { ...bench, pids: server.pids };
    await measureRate({
      ...{ ...of, perSecond: 50, what: `${server.version}: by features, 1 row, 50/s` },
      ask: () => server.score([bench.given]),
    });
    await measureRate({
      ...{ ...of, perSecond: 2, what: `${server.version}: by features, 1,000 rows, 2/s` },
      ask: () => server.score(rows),
    });
  } finally {
    await server.close();
  }
}

async function measureMixed(bench: Bench, seconds: number): Promise<void> {
  const kinds = Object.values(questionsOf(bench));
  let turn = 0;
  const what = `mixed (cached, uncached, features, 10 rows), 200/s for ${seconds} s`;
  const ask = () => kinds[turn++ % kinds.length]!();
  await measureRate({ ...bench, what, ask, perSecond: 200, seconds, target: "none fails" });
}
