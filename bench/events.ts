/**
 * Speed of the synthetic shop, of reading a file of events beside plain DuckDB, and of messages:
 * `deno run -A bench/events.ts [--events 885129]`. The aim for the shop is 300,000 events a second.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { runCommand } from "clickstream/config";
import {
  type EventMessage,
  generateShop,
  messageOf,
  parseMessage,
  readEvents,
} from "clickstream/events";

const RUNS = 3;

/** The best of some runs, in milliseconds. */
async function best(work: () => Promise<unknown> | unknown): Promise<number> {
  let least = Infinity;
  for (let run = 0; run < RUNS; run++) {
    const start = performance.now();
    await work();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

function report(what: string, count: number, ms: number): void {
  const rate = Math.round(count / ms * 1000).toLocaleString("en");
  console.log(`| ${what} | ${count} | ${(ms / 1000).toFixed(2)} | ${rate} |`);
}

async function read(connection: DuckDBConnection, file: string): Promise<void> {
  await (await readEvents(connection, file)).release();
}

function plainRead(connection: DuckDBConnection, file: string): Promise<unknown> {
  return connection.run(
    `CREATE OR REPLACE TEMP TABLE plain AS FROM read_csv('${file}', header = true)`,
  );
}

function messages(count: number): EventMessage[] {
  return Array.from({ length: count }, (_, i) => ({
    event_time: 1600948626000000n + BigInt(i),
    event_type: "view",
    product_id: BigInt(1996170 + i),
    category_id: 2144415922528452715n,
    category_code: "electronics.telephone",
    brand: "samsung",
    price: 31.9,
    user_id: 1515915625519388267n + BigInt(i),
    user_session: "LJuJVLEjPT",
    staged_row: BigInt(i),
    ingest_ts: 1600948626000000n,
  }));
}

await runCommand(async (args) => {
  const { values } = parseArgs({ args, options: { events: { type: "string" } } });
  const events = Number(values.events ?? 885_129);
  const directory = mkdtempSync(join(tmpdir(), "clickstream-bench-"));
  const connection = await (await DuckDBInstance.create(":memory:", { threads: "2" })).connect();
  try {
    console.log("| what | events | seconds | events/s |\n|---|---|---|---|");
    let seed = 0;
    const making = await best(() => generateShop({ events, seed: ++seed, directory }));
    report("shop, with its truth", events, making);
    const { file } = await generateShop({ events, seed, directory });
    const ours = await best(() => read(connection, file));
    report("read plain", events, ours);
    report(
      "read plain, DuckDB alone, unchecked",
      events,
      await best(() => plainRead(connection, file)),
    );
    writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 1 }));
    report("read gzipped", events, await best(() => read(connection, `${file}.gz`)));
    const all = messages(100_000);
    report("write messages", all.length, await best(() => all.map(messageOf)));
    const bodies = all.map(messageOf);
    report("read messages", all.length, await best(() => bodies.map(parseMessage)));
  } finally {
    connection.closeSync();
    rmSync(directory, { recursive: true, force: true });
  }
});
