/** Requests to a Cosmos DB over raw HTTP: what a server does, without an SDK's own work. */
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";

/** A server and the key that opens it. */
export interface Server {
  endpoint: string;
  writeKey: string;
  pid: number;
}

/** One request, before it is signed. */
export interface Exchange {
  method: string;
  path: string;
  link: string;
  headers: Record<string, string>;
  body?: string;
}

const CONNECTIONS = 32;
const ITEMS = "dbs/shop/colls/items";

/**
 * Sends one request after the other over each of 32 connections until `next` gives none or the time
 * is over. The first few thousand are signed before and sent again and again.
 *
 * @returns how many were answered with a status 2xx; any other ends it with an error
 */
export async function exchange(
  server: Server,
  requests: Uint8Array[],
  until: { seconds: number } | { count: number },
): Promise<number> {
  const port = Number(new URL(server.endpoint).port);
  const end = "seconds" in until ? performance.now() + until.seconds * 1000 : Infinity;
  const most = "count" in until ? until.count : Infinity;
  let sent = 0;
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    const buffer = new Uint8Array(16_384);
    while (sent < most && performance.now() < end) {
      await connection.write(requests[sent++ % requests.length]!);
      await readAnswer(connection, buffer);
    }
    connection.close();
  }));
  return sent;
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

/** The bytes of a signed request. */
export function signed(server: Server, one: Exchange): Uint8Array {
  const date = new Date().toUTCString();
  const payload = `${one.method.toLowerCase()}\ndocs\n${one.link}\n${date.toLowerCase()}\n\n`;
  const key = Buffer.from(server.writeKey, "base64");
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

/** A point read of a document. */
export function readOf(n: number): Exchange {
  const path = `${ITEMS}/docs/${n}`;
  const headers = { "x-ms-documentdb-partitionkey": `["${n}"]` };
  return { method: "GET", path, link: path, headers };
}

/** A write of a document, whether it is there or not. */
export function upsertOf(n: number): Exchange {
  return {
    method: "POST",
    path: `${ITEMS}/docs`,
    link: ITEMS,
    headers: {
      "x-ms-documentdb-partitionkey": `["${n}"]`,
      "x-ms-documentdb-is-upsert": "true",
      "content-type": "application/json",
    },
    body: JSON.stringify(documentOf(n)),
  };
}

/** A document of about 530 bytes. */
export function documentOf(n: number) {
  const counts = Object.fromEntries(
    Array.from({ length: 22 }, (_, i) => [`feature_number_${i}`, (n * (i + 1)) % 97]),
  );
  return { id: String(n), n, brand: `brand ${n % 50}`, price: (n * 7919) % 10_007, ...counts };
}
