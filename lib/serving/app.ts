import { randomUUID } from "node:crypto";
import { type Context, Hono } from "hono";
import { NotFoundError } from "clickstream/config";
import { discardBody } from "./body.ts";
import type { Deployment } from "./deployment.ts";
import { readConfig, readCreate } from "./endpointRequest.ts";
import type { Endpoints } from "./endpoints.ts";
import { ApiError } from "./errors.ts";
import {
  answerError,
  answerJson,
  type Env,
  onlyBy,
  readJson,
  readText,
  type RequestLimits,
} from "./http.ts";
import { readInvocation } from "./invocation.ts";
import type { ServingLog } from "./log.ts";
import type { ServingMetrics } from "./metrics.ts";
import type { RateLimit } from "./rateLimit.ts";
import {
  answerOf,
  notLookedUp,
  type Scored,
  scoreInvocation,
  type ScoringContext,
} from "./scoring.ts";
import { within } from "./storeAsker.ts";
import type { TokenBook } from "./tokens.ts";

/** Version of the server, as `GET /version` answers it. */
export const SERVING_VERSION = "1.0.0";

/** The parts that the routes use. */
export interface AppParts extends ScoringContext {
  /** Answers `/invocations`. */
  standard: Deployment;
  endpoints: Endpoints;
  tokens: TokenBook;
  rate: RateLimit;
  limits: RequestLimits;
  log: ServingLog;
  metrics: ServingMetrics;
  /** Takes what was scored for the inference log; must not wait. */
  onScored: (scored: Scored, requestId: string, endpoint: string) => void;
  /** Called with each request other than health checks. */
  onRequest: () => void;
}

/** The HTTP application: MLflow's scoring protocol, Databricks' endpoints, health and metrics. */
export function createApp(parts: AppParts): Hono<Env> {
  const app = new Hono<Env>();
  app.use("*", (c, next) => observe(parts, c, next));
  for (const path of ["/ping", "/health"]) app.get(path, (c) => c.text("\n"));
  app.get("/version", (c) => c.text(SERVING_VERSION));
  app.use("*", (c, next) => authorize(parts, c, next));
  app.get(
    "/metrics",
    async (c) =>
      c.body(await parts.metrics.text(), 200, { "content-type": parts.metrics.contentType }),
  );
  addScoring(app, parts);
  addEndpoints(app, parts);
  app.notFound((c) => answerError(c, noSuchPath()));
  app.onError((error, c) => {
    const known = error instanceof ApiError ? error : null;
    if (known === null || known.code === "INTERNAL_ERROR") {
      parts.log.error({ request_id: c.get("requestId"), err: error }, "request failed");
    }
    return answerError(
      c,
      known ?? new ApiError("INTERNAL_ERROR", "The server failed; see its log."),
    );
  });
  return app;
}

async function observe(parts: AppParts, c: Context<Env>, next: () => Promise<void>) {
  const started = performance.now();
  const given = c.req.header("x-request-id") ?? "";
  const requestId = /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : randomUUID();
  c.set("requestId", requestId);
  c.set("route", "other");
  await next();
  if (c.res.status >= 400) await discardBody(c.req.raw, parts.limits.bodyTimeoutMs);
  c.header("x-request-id", requestId);
  c.header("x-content-type-options", "nosniff");
  c.header("cache-control", "no-store");
  const route = c.get("route");
  const ms = performance.now() - started;
  const status = c.res.status;
  parts.metrics.requests.inc({ route, method: c.req.method, status: String(status) });
  parts.metrics.seconds.observe({ route }, ms / 1000);
  if (c.req.path === "/ping" || c.req.path === "/health") return;
  parts.onRequest();
  const fields = { request_id: requestId, route, method: c.req.method, status };
  parts.log.info({ ...fields, ms: Math.round(ms * 100) / 100 }, "request");
}

async function authorize(parts: AppParts, c: Context<Env>, next: () => Promise<void>) {
  const [, token] = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(c.req.header("authorization") ?? "") ??
    [];
  const caller = token === undefined ? null : parts.tokens.identify(token);
  const wait = parts.rate.take(caller ?? `address ${c.env?.remoteAddr?.hostname ?? ""}`);
  if (wait > 0) {
    throw new ApiError("REQUEST_LIMIT_EXCEEDED", "Too many requests: slow down and try again.", {
      headers: { "retry-after": String(Math.max(1, Math.ceil(wait))) },
    });
  }
  if (caller === null) {
    throw new ApiError(
      "UNAUTHENTICATED",
      "A valid token is needed: send the header Authorization: Bearer <token>.",
      { headers: { "www-authenticate": "Bearer" } },
    );
  }
  await next();
}

function addScoring(app: Hono<Env>, parts: AppParts): void {
  app.post("/invocations", (c) => {
    c.set("route", "/invocations");
    return invoke(parts, c, "", () => parts.standard);
  });
  app.post("/serving-endpoints/:name/invocations", (c) => {
    c.set("route", "/serving-endpoints/{name}/invocations");
    const name = c.req.param("name");
    parts.endpoints.get(name);
    return invoke(parts, c, name, () => parts.endpoints.deployment(name));
  });
  app.all("/invocations", (c) => onlyBy(c, "POST"));
  app.all("/serving-endpoints/:name/invocations", (c) => onlyBy(c, "POST"));
}

function addEndpoints(app: Hono<Env>, parts: AppParts): void {
  const { endpoints } = parts;
  const all = "/api/2.0/serving-endpoints";
  const one = `${all}/:name`;
  app.use(`${all}/*`, (c, next) => {
    c.set("route", all);
    return next();
  });
  app.get(all, (c) => c.json({ endpoints: endpoints.list() }));
  app.post(all, async (c) => {
    const request = readCreate(await readJson(c, parts.limits));
    return answerJson(c, await endpoints.create(request));
  });
  app.get(one, (c) => answerJson(c, endpoints.get(c.req.param("name"))));
  app.delete(one, (c) => {
    endpoints.remove(c.req.param("name"));
    return c.json({});
  });
  app.put(`${one}/config`, async (c) => {
    endpoints.get(c.req.param("name"));
    const config = readConfig(await readJson(c, parts.limits));
    return answerJson(c, await endpoints.update(c.req.param("name"), config));
  });
  app.all(all, (c) => onlyBy(c, "GET, POST"));
  app.all(one, (c) => onlyBy(c, "GET, DELETE"));
  app.all(`${one}/config`, (c) => onlyBy(c, "PUT"));
}

async function invoke(
  parts: AppParts,
  c: Context<Env>,
  endpoint: string,
  deployment: () => Deployment,
): Promise<Response> {
  const text = await readText(c, parts.limits);
  const invocation = readInvocation(text, parts.limits.maxRows);
  invocation.params.cache &&= !/\bno-(cache|store)\b/.test(c.req.header("cache-control") ?? "");
  const scored = await within(
    score(deployment, (model) => scoreInvocation(model, invocation, parts)),
    parts.limits.requestTimeoutMs,
  );
  countScored(parts.metrics, scored, endpoint);
  parts.onScored(scored, c.get("requestId"), endpoint);
  const missed = notLookedUp(scored);
  if (missed !== null) {
    const value = `defaults; reason=${missed.reason}; rows=${missed.rows}`;
    c.header("x-clickstream-features", value);
  }
  return answerJson(c, answerOf(scored, invocation));
}

/** Waits for a model that is being loaded; says why when there is none. */
async function score(
  deployment: () => Deployment,
  body: Parameters<Deployment["use"]>[0],
): Promise<Scored> {
  const running = deployment().use(body);
  if (running !== null) return await running as Scored;
  await deployment().refresh();
  const waited = deployment();
  const now = waited.use(body);
  if (now !== null) return await now as Scored;
  const failure = waited.failure();
  throw new ApiError(
    failure instanceof NotFoundError ? "RESOURCE_DOES_NOT_EXIST" : "TEMPORARILY_UNAVAILABLE",
    failure instanceof NotFoundError
      ? failure.message
      : `The model ${waited.name} could not be loaded; see the server's log.`,
    { cause: failure },
  );
}

function countScored(metrics: ServingMetrics, scored: Scored, endpoint: string) {
  const bought = scored.rows.filter((row) => row.alreadyPurchased).length;
  metrics.rows.inc({ endpoint, outcome: "scored" }, scored.rows.length - bought);
  metrics.rows.inc({ endpoint, outcome: "already_purchased" }, bought);
  metrics.cacheRows.inc({ result: "hit" }, scored.cachedRows);
  metrics.cacheRows.inc({ result: "miss" }, scored.lookedUpRows);
  metrics.lookUpSeconds.observe(scored.lookUpMs / 1000);
  metrics.scoreSeconds.observe(scored.scoreMs / 1000);
  metrics.modelVersion.set({ endpoint }, scored.model.version);
}

function noSuchPath(): ApiError {
  return new ApiError(
    "ENDPOINT_NOT_FOUND",
    "No such path: POST /invocations, POST /serving-endpoints/{name}/invocations or /api/2.0/serving-endpoints.",
  );
}
