import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";
import { ConfigError, NotFoundError } from "clickstream/config";
import type { Cosmos } from "./cosmos/mod.ts";
import type { EventHubs, HubDefinition, KeyDefinition } from "./event_hubs/mod.ts";
import { createRates } from "./rates.ts";
import { statusPage } from "./status_page.ts";

/** What the status server shows and controls. */
export interface StatusServerOptions {
  hubs: EventHubs;
  cosmos: Cosmos;
  /** 0 takes a free one. */
  port: number;
  /** What admin calls have to carry as a bearer token. */
  adminToken: string;
}

/** A running status server. */
export interface StatusServer {
  port: number;
  /** When the last page or admin call was asked for, or the server started; ms since 1970. */
  lastBusyMs(): number;
  close(): Promise<void>;
}

const MAX_BODY = 64 * 1024;

/**
 * Serves `/` (a page for people), `/status.json`, `/health`, and admin calls that need the token:
 * `PUT /admin/hubs/NAME`, `DELETE /admin/hubs/NAME`, `POST /admin/hubs/NAME/reset`,
 * `PUT /admin/keys/NAME` (answers with a connection string),
 * `POST /admin/cosmos/throttle/REQUESTS` (so many requests are then answered with 429).
 */
export async function startStatusServer(options: StatusServerOptions): Promise<StatusServer> {
  let lastBusyMs = Date.now();
  const rates = createRates(options.hubs);
  const server = createServer((request, response) => {
    if (request.url !== "/health") lastBusyMs = Date.now();
    respond(options, rates.perSecond, request, response).catch((error) => {
      answer(response, statusOf(error), "text/plain", String((error as Error).message ?? error));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", () => resolve());
  });
  return {
    port: (server.address() as { port: number }).port,
    lastBusyMs: () => lastBusyMs,
    close: () => {
      rates.stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

async function respond(
  options: StatusServerOptions,
  rates: (hub: string) => { in: number; out: number },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { hubs, cosmos } = options;
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  if (path.startsWith("/admin/")) return await administer(options, path, request, response);
  if (request.method !== "GET" && request.method !== "HEAD") {
    return answer(response, 405, "text/plain", "Only GET is answered here.");
  }
  if (path === "/health") return json(response, { ok: true });
  if (path === "/status.json") {
    return json(response, { eventHubs: hubs.status(), cosmos: cosmos.status() });
  }
  if (path !== "/") return answer(response, 404, "text/plain", "There is no such page.");
  const page = statusPage({
    hubs: hubs.status(),
    rates,
    cosmos: cosmos.status(),
    endpoints: { eventHubs: `sb://${hubs.host}:${hubs.port}`, cosmos: cosmos.endpoint },
  });
  answer(response, 200, "text/html; charset=utf-8", page);
}

async function administer(
  { hubs, cosmos, adminToken }: StatusServerOptions,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isToken(request.headers.authorization, adminToken)) {
    return answer(response, 401, "text/plain", "Admin calls need the token of services.json.");
  }
  const throttle = /^\/admin\/cosmos\/throttle\/(\d{1,6})$/.exec(path);
  if (throttle !== null && request.method === "POST") {
    cosmos.throttle(Number(throttle[1]));
    return json(response, { ok: true });
  }
  const key = /^\/admin\/keys\/([^/]+)$/.exec(path);
  if (key !== null && request.method === "PUT") {
    const name = decodeURIComponent(key[1]!);
    const { hub } = hubs.createKey({ ...await bodyOf<KeyDefinition>(request), name });
    return json(response, { connectionString: hubs.connectionString(hub, name) });
  }
  const match = /^\/admin\/hubs\/([^/]+)(\/reset)?$/.exec(path);
  if (match === null) return answer(response, 404, "text/plain", "There is no such admin call.");
  const name = decodeURIComponent(match[1]!);
  const call = `${request.method}${match[2] ?? ""}`;
  if (call === "POST/reset") await hubs.resetHub(name);
  else if (call === "DELETE") await hubs.deleteHub(name);
  else if (call === "PUT") hubs.createHub({ ...await bodyOf<HubDefinition>(request), name });
  else return answer(response, 405, "text/plain", `${request.method} is not possible here.`);
  json(response, { ok: true });
}

async function bodyOf<T>(request: IncomingMessage): Promise<Omit<T, "name">> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request) {
    bytes += (piece as Buffer).length;
    if (bytes > MAX_BODY) throw new ConfigError("The definition is too large.");
    pieces.push(piece as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString("utf8"));
  } catch (cause) {
    throw new ConfigError("The definition is no JSON.", { cause });
  }
}

function isToken(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? "");
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function statusOf(error: unknown): number {
  if (error instanceof NotFoundError) return 404;
  return error instanceof ConfigError ? 400 : 500;
}

function json(response: ServerResponse, value: unknown): void {
  answer(response, 200, "application/json", JSON.stringify(value));
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
  response.end(body);
}
