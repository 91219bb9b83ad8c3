import { type Context, Hono } from "hono";
import { z } from "zod";
import { BusyError } from "clickstream/config";
import type { Consistency, StreamStatus } from "clickstream/streaming";
import { discardBody } from "../body.ts";
import { ApiError } from "../errors.ts";
import { answerError, answerJson, type Env, readJson } from "../http.ts";
import { turningLoop } from "../turningLoop.ts";
import { type Operations, operationsOf } from "./operations.ts";
import type { Shop } from "./shop.ts";

/** What a shop's server needs. */
export interface ShopServerOptions {
  shop: Shop;
  /** The running query; null when another process runs it. */
  status: (() => StreamStatus) | null;
  /** Compares features with a recount. */
  checkConsistency: () => Promise<Consistency[]>;
  /** TCP port; 0 takes a free one. @default 0 */
  port?: number;
}

/** A running shop. */
export interface ShopServer {
  url: string;
  close(): Promise<void>;
}

const PAGE = new URL("./page/", import.meta.url);
const FILES: Record<string, [file: string, type: string]> = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/shop.css": ["shop.css", "text/css; charset=utf-8"],
  "/shop.js": ["shop.js", "text/javascript; charset=utf-8"],
};
const LIMITS = { maxBodyBytes: 4096, maxRows: 1, bodyTimeoutMs: 5000, requestTimeoutMs: 150_000 };
const OPERATIONS_MS = 1000;

const clickSchema = z.strictObject({
  session: z.string().max(64),
  type: z.enum(["view", "cart", "purchase"]),
  product_id: z.string().max(20),
});

/**
 * Serves the shop's page on 127.0.0.1.
 *
 * @throws {BusyError} the port is in use
 */
export function startShopServer(options: ShopServerOptions): ShopServer {
  const { port = 0 } = options;
  const app = shopApp(options);
  const stop = new AbortController();
  try {
    const server = Deno.serve(
      { hostname: "127.0.0.1", port, signal: stop.signal, onListen: () => {} },
      (request) => app.fetch(request),
    );
    return {
      url: `http://127.0.0.1:${server.addr.port}`,
      async close() {
        stop.abort();
        await server.finished;
      },
    };
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AddrInUse)) throw cause;
    throw new BusyError(`Port ${port} is in use: give another by --port.`, { cause });
  }
}

function shopApp(options: ShopServerOptions): Hono<Env> {
  const { shop } = options;
  const app = new Hono<Env>();
  let consistency: Operations["consistency"] = null;
  const read = operationsOf(shop, options.status);
  const operations = () => ({ ...read(), consistency });
  app.use("*", async (c, next) => {
    await next();
    if (c.res.status >= 400) await discardBody(c.req.raw, LIMITS.bodyTimeoutMs);
    c.header("content-security-policy", "default-src 'self'; img-src 'self' data:");
    c.header("x-content-type-options", "nosniff");
    c.header("cache-control", "no-store");
  });
  for (const [path, [file, type]] of Object.entries(FILES)) {
    app.get(path, async (c) => {
      return c.body(await Deno.readTextFile(new URL(file, PAGE)), 200, { "content-type": type });
    });
  }
  app.get("/api/catalogue", (c) => answerJson(c, shop.shelves));
  app.post("/api/shoppers", async (c) => {
    await readJson(c, LIMITS);
    return answerJson(c, shop.shoppers.enter().view);
  });
  app.post("/api/events", async (c) => {
    const click = clickSchema.safeParse(await readJson(c, LIMITS));
    if (!click.success) {
      throw new ApiError(
        "BAD_REQUEST",
        "A click has session, type (view, cart, purchase) and product_id.",
      );
    }
    const { session, type, product_id } = click.data;
    const shopper = shop.shoppers.get(session);
    const sent = shop.click(shopper, type, product_id);
    turningLoop(shopper.work);
    await turningLoop(sent);
    return answerJson(c, {});
  });
  app.post("/api/consistency", async (c) => {
    await readJson(c, LIMITS);
    const results = await turningLoop(options.checkConsistency());
    consistency = { at: new Date().toISOString(), results };
    return answerJson(c, consistency);
  });
  app.get("/api/live", (c) => live(c, shop, operations));
  app.notFound((c) => answerError(c, new ApiError("ENDPOINT_NOT_FOUND", "No such page.")));
  app.onError((error, c) =>
    answerError(
      c,
      error instanceof ApiError
        ? error
        : new ApiError("TEMPORARILY_UNAVAILABLE", (error as Error).message),
    )
  );
  return app;
}

/** Server-sent events: `shopper` whenever something changes for that visit, `operations` each second. */
function live(c: Context<Env>, shop: Shop, operations: () => Operations): Response {
  const shopper = shop.shoppers.get(c.req.query("session") ?? "");
  const encoder = new TextEncoder();
  let end = () => {};
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (event: string, data: unknown) => {
        try {
          controller.enqueue(encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
        } catch {
          end();
        }
      };
      const watcher = () => send("shopper", shopper.view);
      const timer = setInterval(() => send("operations", operations()), OPERATIONS_MS);
      end = () => {
        clearInterval(timer);
        shopper.watchers.delete(watcher);
      };
      shopper.watchers.add(watcher);
      watcher();
      send("operations", operations());
    },
    cancel: () => end(),
  });
  c.req.raw.signal.addEventListener("abort", () => end());
  return c.body(stream, 200, { "content-type": "text/event-stream" });
}
