/**
 * Speed of the local Cosmos DB over loopback: server and client in processes of their own.
 *
 *     deno run -A bench/cosmos.ts [--items 100000] [--seconds 4]
 *
 * Raw HTTP shows what the server does; the SDK's own work is most of the rows named after it.
 */
import { type Container, CosmosClient, type OperationInput } from "@azure/cosmos";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
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
const SCRIPT = fileURLToPath(new URL("../test/interop/serve_cosmos.ts", import.meta.url));

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
  await row(server, "items.bulk, 530-byte documents (SDK)", () => fill(container, items));
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

/** Writes documents in bulks of a hundred, eight at a time. */
async function fill(container: Container, items: number): Promise<number> {
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

/** Sends one request after the other over each connection; all are signed before. */
async function exchange(server: Server, seconds: number, next: () => Exchange): Promise<number> {
  const key = Buffer.from(server.writeKey, "base64");
  const requests = Array.from({ length: 4000 }, () => requestBytes(key, next()));
  const port = Number(new URL(server.endpoint).port);
  const end = performance.now() + seconds * 1000;
  let count = 0;
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    const buffer = new Uint8Array(16_384);
    while (performance.now() < end) {
      await connection.write(requests[count++ % requests.length]!);
      await readAnswer(connection, buffer);
    }
    connection.close();
  }));
  return count;
}

/** Reads one whole answer; its headers come first and say how long the body is. */
async function readAnswer(connection: Deno.Conn, buffer: Uint8Array): Promise<void> {
  let [filled, whole] = [0, Infinity];
  while (filled < whole) {
    const read = await connection.read(buffer.subarray(filled));
    if (read === null) throw new Error("The server hung up.");
    filled += read;
    if (whole < Infinity) continue;
    const text = Buffer.from(buffer.buffer, 0, filled).toString("latin1");
    const headers = text.indexOf("\r\n\r\n");
    if (headers < 0) continue;
    if (!/^HTTP\/1.1 20/.test(text)) throw new Error(text);
    whole = headers + 4 + Number(/content-length: (\d+)/i.exec(text)![1]);
  }
}

function requestBytes(key: Buffer, one: Exchange): Uint8Array {
  const date = new Date().toUTCString();
  const payload =
    `${one.method.toLowerCase()}\n${one.type}\n${one.link}\n${date.toLowerCase()}\n\n`;
  const sig = createHmac("sha256", key).update(payload).digest("base64");
  const headers = {
    host: "127.0.0.1",
    authorization: encodeURIComponent(`type=master&ver=1.0&sig=${sig}`),
    "x-ms-date": date,
    "content-length": String(Buffer.byteLength(one.body ?? "")),
    ...one.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return Buffer.from(`${one.method} /${one.path} HTTP/1.1\r\n${lines}\r\n${one.body ?? ""}`);
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
