/**
 * Speed of the local Cosmos DB over loopback: server and client in processes of their own.
 *
 *     deno run -A bench/cosmos.ts [--items 100000] [--seconds 4]
 *
 * Raw HTTP shows what the server does; the SDK's own work is most of the rows named after it.
 */
import { CosmosClient, type OperationInput } from "@azure/cosmos";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runCommand, waitUntil } from "clickstream/config";

interface Server {
  endpoint: string;
  writeKey: string;
  pid: number;
}

interface Exchange {
  method: string;
  path: string;
  type: string;
  link: string;
  headers: Record<string, string>;
  body?: string;
}

const CONNECTIONS = 32;
const SCRIPT = new URL("../test/interop/serve_cosmos.ts", import.meta.url).pathname;

await runCommand(async (args) => {
  const options = { items: { type: "string" }, seconds: { type: "string" } } as const;
  const { values } = parseArgs({ args, options });
  const [items, seconds] = [Number(values.items ?? 100_000), Number(values.seconds ?? 4)];
  const home = mkdtempSync(join(tmpdir(), "clickstream-bench-"));
  const ready = join(home, "ready.json");
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", SCRIPT, join(home, "store"), ready],
    stdin: "null",
  }).spawn();
  try {
    const server = await waitUntil(() => readServer(ready), {
      timeoutMs: 30_000,
      intervalMs: 50,
      what: "the server",
    });
    await measure(server, items, seconds);
  } finally {
    child.kill("SIGTERM");
    await child.status;
    rmSync(home, { recursive: true, force: true });
  }
});

function readServer(file: string): Server | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Server;
  } catch {
    return undefined;
  }
}

async function measure(server: Server, items: number, seconds: number): Promise<void> {
  const client = new CosmosClient({ endpoint: server.endpoint, key: server.writeKey });
  const { database } = await client.databases.createIfNotExists({ id: "shop" });
  const { container } = await database.containers
    .createIfNotExists({ id: "items", partitionKey: { paths: ["/id"] } });
  console.log(
    "| what | number | seconds | per second | server CPU (µs each) | server memory (MB) |",
  );
  console.log("|---|---|---|---|---|---|");
  await row(server, "items.bulk, 700-byte documents (SDK)", async () => {
    for (let from = 0; from < items; from += 10_000) {
      const batches = Array.from(
        { length: Math.min(100, (items - from) / 100) },
        (_, i) =>
          Array.from({ length: 100 }, (_, j): OperationInput => ({
            operationType: "Upsert",
            resourceBody: documentOf(from + i * 100 + j),
          })),
      );
      for (let i = 0; i < batches.length; i += 8) {
        await Promise.all(batches.slice(i, i + 8).map((batch) => container.items.bulk(batch)));
      }
    }
    return items;
  });
  await row(server, "point reads (raw HTTP)", () => exchange(server, seconds, () => readOf(items)));
  await row(server, "upserts (raw HTTP)", () => exchange(server, seconds, () => upsertOf(items)));
  const ask = (query: string) => async () => {
    await container.items.query(query).fetchAll();
    return 1;
  };
  await row(server, "count(1)", ask("SELECT VALUE COUNT(1) FROM c"));
  const newest = "SELECT TOP 20 * FROM c ORDER BY c._ts DESC";
  await row(server, "newest 20 by _ts, first time", ask(newest));
  await row(server, "newest 20 by _ts, again", ask(newest));
  await row(server, "c.id = …", ask("SELECT * FROM c WHERE c.id = '77'"));
  await row(server, "count where c.n > …", ask("SELECT VALUE COUNT(1) FROM c WHERE c.n > 100"));
  await row(server, "top 20 by c.price", ask("SELECT TOP 20 c.id FROM c ORDER BY c.price"));
  await row(
    server,
    "group by c.brand",
    ask("SELECT c.brand, COUNT(1) AS n FROM c GROUP BY c.brand"),
  );
  client.dispose();
}

async function row(server: Server, what: string, run: () => Promise<number>): Promise<void> {
  const before = cpuSeconds(server.pid);
  const started = performance.now();
  const count = await run();
  const seconds = (performance.now() - started) / 1000;
  const cpu = (cpuSeconds(server.pid) - before) / count * 1e6;
  const memory = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))?.[1];
  const cells = [
    what,
    count.toLocaleString("en-GB"),
    seconds.toFixed(3),
    Math.round(count / seconds).toLocaleString("en-GB"),
    cpu.toFixed(1),
    Math.round(Number(memory) / 1024),
  ];
  console.log(`| ${cells.join(" | ")} |`);
}

/** Processor seconds that a process has used (100 ticks a second on Linux). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Sends one request after the other over each connection, signed as the service wants. */
async function exchange(server: Server, seconds: number, next: () => Exchange): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const end = performance.now() + seconds * 1000;
  const key = Buffer.from(server.writeKey, "base64");
  let count = 0;
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    while (performance.now() < end) {
      const status = await send(server, agent, key, next());
      if (status >= 300) throw new Error(`status ${status}`);
      count += 1;
    }
  }));
  agent.destroy();
  return count;
}

function send(server: Server, agent: Agent, key: Buffer, one: Exchange): Promise<number> {
  const date = new Date().toUTCString();
  const payload =
    `${one.method.toLowerCase()}\n${one.type}\n${one.link}\n${date.toLowerCase()}\n\n`;
  const sig = createHmac("sha256", key).update(payload).digest("base64");
  const authorization = encodeURIComponent(`type=master&ver=1.0&sig=${sig}`);
  return new Promise((resolve, reject) => {
    const sent = request(server.endpoint + one.path, {
      method: one.method,
      agent,
      headers: { authorization, "x-ms-date": date, ...one.headers },
    }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 500));
    });
    sent.on("error", reject);
    sent.end(one.body);
  });
}

function readOf(items: number): Exchange {
  const id = String(Math.floor(Math.random() * items));
  return {
    method: "GET",
    path: `dbs/shop/colls/items/docs/${id}`,
    type: "docs",
    link: `dbs/shop/colls/items/docs/${id}`,
    headers: { "x-ms-documentdb-partitionkey": `["${id}"]` },
  };
}

function upsertOf(items: number): Exchange {
  const document = documentOf(Math.floor(Math.random() * items));
  return {
    method: "POST",
    path: "dbs/shop/colls/items/docs",
    type: "docs",
    link: "dbs/shop/colls/items",
    headers: {
      "x-ms-documentdb-partitionkey": `["${document.id}"]`,
      "x-ms-documentdb-is-upsert": "true",
      "content-type": "application/json",
    },
    body: JSON.stringify(document),
  };
}

function documentOf(n: number) {
  const counts = Object.fromEntries(
    Array.from({ length: 22 }, (_, i) => [`feature_number_${i}`, (n * (i + 1)) % 97]),
  );
  return { id: String(n), n, brand: `brand ${n % 50}`, price: (n * 7919) % 10_007, ...counts };
}
