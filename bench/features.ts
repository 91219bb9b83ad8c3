/**
 * `deno task features` beside plain DuckDB SQL that writes plain parquet, whole processes in turns on
 * one file: `deno run -A bench/features.ts [--events 885129,5000000] [--rounds 3]`. Prints both times,
 * their ratio and the peak memory of each.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { runCommand } from "clickstream/config";
import { historySql, metricSets, trainingTable } from "clickstream/metrics";
import { environmentLine } from "./environment.ts";

const FEATURES = fileURLToPath(new URL("../lib/metrics/commands/features.ts", import.meta.url));
const SELF = fileURLToPath(import.meta.url);

async function withDuckDb(work: (connection: DuckDBConnection) => Promise<void>): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run("set timezone = 'UTC'");
  await work(connection);
  connection.closeSync();
  instance.closeSync();
}

/** A file of events over five months: 1.8 events a session, half as many users as events. */
async function writeEvents(file: string, events: number): Promise<void> {
  await withDuckDb(async (connection) => {
    await connection.run(`copy (select
      strftime(timestamp '2020-09-24' + to_seconds(i * ${157 * 86_400} // ${events}),
        '%Y-%m-%d %H:%M:%S UTC') as event_time,
      ['view','view','view','view','view','view','view','view','cart','purchase']
        [(hash(i) % 10)::int + 1] as event_type,
      1000000 + (hash(i + 1) % 50000)::bigint as product_id,
      2144415920000000000 + (hash(i + 1) % 700)::bigint as category_id,
      'electronics.c' || hash(i + 1) % 100 as category_code, 'brand' || hash(i + 1) % 900 as brand,
      (hash(i + 1) % 100000)::bigint / 100 as price,
      1515915625353900000 + (hash(i * 5 // 9) % ${Math.ceil(events / 2)})::bigint as user_id,
      's' || i * 5 // 9 as user_session
      from range(${events}) r(i)) to '${file}' (header)`);
  });
}

/** The other side, in a process of its own: the same SQL, no Delta, no checks. */
async function plainDuckDb(file: string, out: string): Promise<void> {
  await withDuckDb(async (connection) => {
    await connection.run(`create table events as select
      strptime(event_time, '%Y-%m-%d %H:%M:%S UTC') as event_time, * exclude (event_time)
      from read_csv('${file}', header = true, columns = {event_time: 'varchar',
        event_type: 'varchar', product_id: 'bigint', category_id: 'bigint',
        category_code: 'varchar', brand: 'varchar', price: 'double', user_id: 'bigint',
        user_session: 'varchar'})`);
    for (const set of metricSets) {
      const target = join(out, `${trainingTable(set)}.parquet`);
      await connection.run(`copy (${historySql(set, "events")}) to '${target}' (format parquet)`);
    }
  });
}

interface Run {
  seconds: number;
  peakGiB: number;
}

/** Runs a process; its peak is the high-water mark that Linux keeps, looked at until it ends. */
async function timed(args: string[]): Promise<Run> {
  const start = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...args],
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const said = new Response(child.stderr).text(); // Its progress, which would stand in the table.
  let peak = 0;
  const watch = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
    } catch { /* It has ended. */ }
  }, 20);
  const { success } = await child.status;
  clearInterval(watch);
  if (!success) throw new Error(`${args.join(" ")} failed: ${await said}`);
  return { seconds: (performance.now() - start) / 1000, peakGiB: peak / 1024 ** 2 };
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;

async function compare(events: number, rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "clickstream-bench-"));
  const file = join(folder, "events.csv");
  try {
    await writeEvents(file, events);
    const runs: { ours: Run; plain: Run }[] = [];
    for (let round = 0; round < rounds; round++) {
      const out = join(folder, `${round}`);
      await Deno.mkdir(out);
      const ours = await timed([FEATURES, "--events", file, "--out", join(out, "ours")]);
      const plain = await timed([SELF, "--plain", file, "--out", out]);
      runs.push({ ours, plain });
      rmSync(out, { recursive: true });
    }
    const of = (value: (run: { ours: Run; plain: Run }) => number) =>
      median(runs.map(value)).toFixed(2);
    const micros = median(runs.map(({ ours }) => ours.seconds)) / events * 1e6;
    console.log(
      `| ${events.toLocaleString("en")} | ${of((r) => r.ours.seconds)} | ${
        of((r) => r.plain.seconds)
      } | ${of((r) => r.ours.seconds / r.plain.seconds)} | ${micros.toFixed(2)} | ${
        of((r) => r.ours.peakGiB)
      } | ${of((r) => r.plain.peakGiB)} |`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await runCommand(async (args) => {
  const { values } = parseArgs({
    args,
    options: {
      events: { type: "string", default: "885129,5000000" },
      rounds: { type: "string", default: "3" },
      plain: { type: "string" },
      out: { type: "string" },
    },
  });
  if (values.plain !== undefined) return await plainDuckDb(values.plain, values.out!);
  console.log(await environmentLine());
  console.log(
    "\n| events | features (s) | plain DuckDB (s) | ratio | µs an event | GiB | GiB, plain |",
  );
  console.log("| -: | -: | -: | -: | -: | -: | -: |");
  for (const events of values.events.split(",")) {
    await compare(Number(events), Number(values.rounds));
  }
});
