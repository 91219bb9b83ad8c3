/**
 * Speed of the local Cosmos DB, paired with @vercel/cosmosdb-server (which keeps everything in
 * memory), in one run: the same requests by the same client, each server a process of its own on
 * one core, ours in Deno, theirs in Node.
 *
 *     deno run -A bench/cosmos.ts [--items 20000] [--seconds 5] [--alone]
 */
import { type Container, CosmosClient, type OperationInput } from "@azure/cosmos";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runCommand, waitUntil } from "clickstream/config";
import {
  documentOf,
  type Exchange,
  exchange,
  readOf,
  type Server,
  signed,
  upsertOf,
} from "./cosmos_requests.ts";

const THEIRS = "@vercel/cosmosdb-server@1.0.1";
const OURS = fileURLToPath(new URL("../test/interop/serve_cosmos.ts", import.meta.url));
const SERVE_THEIRS = `
const { createHttpServer } = require("@vercel/cosmosdb-server");
const server = createHttpServer({ keepAlive: true }).listen(0, "127.0.0.1", () => {
  const endpoint = "http://127.0.0.1:" + server.address().port + "/";
  const told = { endpoint, writeKey: "a2V5", pid: process.pid };
  require("fs").writeFileSync(process.argv[2], JSON.stringify(told));
});`;

const QUERIES = [
  "SELECT VALUE COUNT(1) FROM c",
  "SELECT * FROM c WHERE c.id = '77'",
  "SELECT VALUE COUNT(1) FROM c WHERE c.n > 100",
  "SELECT TOP 20 * FROM c ORDER BY c._ts DESC",
  "SELECT TOP 20 c.id FROM c ORDER BY c.price",
  "SELECT c.brand, COUNT(1) AS n FROM c GROUP BY c.brand",
];

/** What was measured of one server. */
interface Measured {
  perSecond: number;
  /** Microseconds of the server's processor for each. */
  cpu: number;
  megabytes: number;
}

/** Makes ready what is to be measured; running it gives how many were done. */
type Work = (contender: Contender) => () => Promise<number>;

interface Contender {
  server: Server;
  container: Container;
}

await runCommand(async (args) => {
  const { values } = parseArgs({
    args,
    options: {
      items: { type: "string", default: "20000" },
      seconds: { type: "string", default: "5" },
      alone: { type: "boolean", default: false },
    },
  });
  const home = mkdtempSync(join(tmpdir(), "clickstream-bench-"));
  const processes: Deno.ChildProcess[] = [];
  try {
    const commands = values.alone ? [oursIn(home)] : [oursIn(home), await theirsIn(home)];
    const contenders: Contender[] = [];
    for (const [i, command] of commands.entries()) {
      const ready = join(home, `ready${i}.json`);
      processes.push(spawn([...command, ready]));
      contenders.push(await connect(ready));
    }
    await measureAll(contenders, Number(values.items), Number(values.seconds));
    for (const { container } of contenders) container.database.client.dispose();
  } finally {
    for (const process of processes) process.kill("SIGTERM");
    await Promise.all(processes.map((process) => process.status));
    rmSync(home, { recursive: true, force: true });
  }
});

function oursIn(home: string): string[] {
  return [Deno.execPath(), "run", "-A", "--quiet", OURS, join(home, "store")];
}

async function theirsIn(home: string): Promise<string[]> {
  const args = ["install", "--silent", "--no-audit", "--no-fund", "--prefix", home, THEIRS];
  const { success } = await new Deno.Command("npm", { args }).output();
  if (!success) throw new Error(`npm could not install ${THEIRS}; --alone measures without it.`);
  const script = join(home, "serve.cjs");
  writeFileSync(script, SERVE_THEIRS);
  return ["node", script];
}

/** Starts a server on one core, where the machine lets us say which. */
function spawn(command: string[]): Deno.ChildProcess {
  const [program, ...args] = hasTaskset() ? ["taskset", "-c", "0", ...command] : command;
  return new Deno.Command(program!, { args, stdin: "null", stderr: "null" }).spawn();
}

function hasTaskset(): boolean {
  try {
    return new Deno.Command("taskset", { args: ["--version"] }).outputSync().success;
  } catch {
    return false;
  }
}

async function connect(ready: string): Promise<Contender> {
  const server = await waitUntil(() => readServer(ready), {
    what: "the server",
    timeoutMs: 30_000,
  });
  const { endpoint, writeKey: key } = server;
  // Theirs says that it is to be found under https, which it is not.
  const connectionPolicy = { enableEndpointDiscovery: false };
  const client = new CosmosClient({ endpoint, key, connectionPolicy });
  const { database } = await client.databases.createIfNotExists({ id: "shop" });
  const { container } = await database.containers
    .createIfNotExists({ id: "items", partitionKey: { paths: ["/id"] } });
  return { server, container };
}

function readServer(file: string): Server | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Server;
  } catch {
    return undefined;
  }
}

async function measureAll(
  contenders: Contender[],
  items: number,
  seconds: number,
): Promise<void> {
  console.log(
    `${whole(items)} documents of 530 bytes, 32 connections, ${seconds} s each; ` +
      `ratio: what we do in the time they take for one.\n`,
  );
  console.log("| what | ours /s | CPU (µs) | MB | theirs /s | CPU (µs) | MB | ratio |");
  console.log("|---|---:|---:|---:|---:|---:|---:|---:|");
  const raw =
    (wanted: Exchange[], until: { seconds: number } | { count: number }): Work => ({ server }) => {
      const requests = wanted.map((one) => signed(server, one));
      return () => exchange(server, requests, until);
    };
  const some = (of: typeof readOf) =>
    Array.from({ length: 4000 }, () => of(Math.floor(Math.random() * items)));
  const all = Array.from({ length: items }, (_, n) => upsertOf(n));
  for (const contender of contenders) await raw(all, { count: 500 })(contender)(); // to get warm
  await row("creates, raw HTTP", contenders, raw(all, { count: items }));
  await row("point reads, raw HTTP", contenders, raw(some(readOf), { seconds }));
  await row("upserts, raw HTTP", contenders, raw(some(upsertOf), { seconds }));
  await row("items.bulk by the SDK", contenders, ({ container }) => () => bulk(container, items));
  for (const query of QUERIES) {
    await row(`\`${query}\``, contenders, ({ container }) => async () => {
      let count = 0;
      for (const end = performance.now() + seconds * 200; performance.now() < end; count++) {
        await container.items.query(query).fetchAll();
      }
      return count;
    });
  }
}

/** Writes all documents in bulks of a hundred, eight at a time. */
async function bulk(container: Container, items: number): Promise<number> {
  for (let from = 0; from < items; from += 800) {
    const starts = Array.from({ length: 8 }, (_, i) => from + i * 100).filter((n) => n < items);
    const answers = await Promise.all(starts.map((start) =>
      container.items.bulk(
        Array.from({ length: Math.min(100, items - start) }, (_, i): OperationInput => ({
          operationType: "Upsert",
          resourceBody: documentOf(start + i),
        })),
      )
    ));
    const failed = answers.flat().find(({ statusCode }) => statusCode >= 300);
    if (failed !== undefined) throw new Error(`an operation ended with ${failed.statusCode}`);
  }
  return items;
}

async function row(what: string, contenders: Contender[], work: Work): Promise<void> {
  const found: (Measured | string)[] = [];
  for (const contender of contenders) found.push(await measure(contender, work));
  const [ours, theirs] = found;
  if (typeof ours === "string") throw new Error(`${what}: ${ours}`);
  const cells = [what, ...cellsOf(ours!)];
  if (theirs === undefined || typeof theirs === "string") cells.push(theirs ?? "", "", "", "");
  else cells.push(...cellsOf(theirs), (ours!.perSecond / theirs.perSecond).toFixed(2));
  console.log(`| ${cells.join(" | ")} |`);
}

/** Does the work; says why not, when a server cannot. */
async function measure(contender: Contender, work: Work): Promise<Measured | string> {
  const { pid } = contender.server;
  const run = work(contender);
  const before = cpuSeconds(pid);
  const started = performance.now();
  try {
    const count = await run();
    const seconds = (performance.now() - started) / 1000;
    const memory = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return {
      perSecond: count / seconds,
      cpu: (cpuSeconds(pid) - before) / count * 1e6,
      megabytes: Number(memory) / 1024,
    };
  } catch (error) {
    return `fails: ${String((error as Error).message).split("\n")[0]!.slice(0, 24)}`;
  }
}

function cellsOf({ perSecond, cpu, megabytes }: Measured): string[] {
  const rate = perSecond < 100 ? perSecond.toFixed(1) : whole(perSecond);
  return [rate, cpu < 1000 ? cpu.toFixed(1) : whole(cpu), whole(megabytes)];
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en-GB");
}

/** Processor seconds that a process has used (100 ticks a second on Linux). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
