import { join } from "node:path";
import { BusyError } from "clickstream/config";
import type { ActionSource } from "./actions/source.ts";
import { type AppParts, createApp } from "./app.ts";
import { deploy } from "./deployment.ts";
import { openEndpoints } from "./endpoints.ts";
import { type FeatureOptions, featureSource } from "./features.ts";
import type { RequestLimits } from "./http.ts";
import type { InferenceLog } from "./inferenceLog.ts";
import { type ServingLog, servingLog } from "./log.ts";
import { servingMetrics } from "./metrics.ts";
import { rateLimit, type RateLimitOptions } from "./rateLimit.ts";
import { tokenBook } from "./tokens.ts";
import type { LookUp, ModelSource } from "./types.ts";

/** What a server needs and how it behaves. */
export interface ServingOptions extends FeatureOptions {
  /** Where models come from. */
  models: ModelSource;
  /** Reads features by keys. */
  lookUp: LookUp;
  /** Newest event time of the stream, microseconds; the time of rows that give none. @default unknown */
  streamTime?: () => Promise<bigint | null>;
  /** Model of `/invocations`. */
  standard: { name: string; version: string };
  /** Bearer tokens that are good; hashed at once. @default none */
  tokens?: string[];
  /** Folder of the server's state: endpoints and hashes of minted tokens. @default memory only */
  directory?: string;
  /** TCP port; 0 takes a free one. @default 0 */
  port?: number;
  /** @default "127.0.0.1" */
  host?: string;
  /** Bounds of requests. */
  limits?: Partial<RequestLimits>;
  /** Requests a second of one caller. */
  rate?: RateLimitOptions;
  /** Milliseconds between two looks for promoted models; 0 never looks. @default 1000 */
  reloadMs?: number;
  /** Milliseconds that running requests may take to end when the server closes. @default 5000 */
  closeMs?: number;
  /** @default JSON lines on standard output */
  log?: ServingLog;
  /** Takes what was scored. The server writes it out when it closes. @default nothing is kept */
  inferenceLog?: InferenceLog;
  /** Chooses next best actions. @default requests that ask for actions get null */
  actions?: ActionSource;
}

/** A running server. */
export interface ServingServer {
  url: string;
  port: number;
  /** Milliseconds since the last request other than health checks. */
  idleMs(): number;
  /** Looks for promoted models now; returns how many endpoints changed. */
  refresh(): Promise<number>;
  /** Refuses new requests, lets running ones end, frees the models. */
  close(): Promise<void>;
}

const LIMITS: RequestLimits = {
  maxBodyBytes: 8 * 1024 * 1024,
  maxRows: 10_000,
  bodyTimeoutMs: 10_000,
  requestTimeoutMs: 10_000,
};

/**
 * Starts the scoring server.
 *
 * @throws {BusyError} the port is in use
 */
export async function startServer(options: ServingOptions): Promise<ServingServer> {
  let lastRequest = performance.now();
  const parts = partsOf(options, () => lastRequest = performance.now());
  const { standard, endpoints, metrics, log } = parts;
  const app = createApp(parts);
  const stop = new AbortController();
  let server: Deno.HttpServer;
  try {
    server = listen(options, stop.signal, (request, info) => app.fetch(request, info));
  } catch (error) {
    standard.close();
    endpoints.close();
    throw error;
  }
  const refresh = async () => {
    const changed = Number(await standard.refresh()) + await endpoints.refresh();
    await refreshActions(parts);
    if (changed > 0) {
      metrics.reloads.inc(changed);
      log.info({ changed, version: standard.version() }, "new model versions in service");
    }
    return changed;
  };
  await standard.firstLoad;
  const watch = every(options.reloadMs ?? 1000, refresh);
  const { port, hostname } = server.addr as Deno.NetAddr;
  log.info({ port, model: standard.name, version: standard.version() }, "serving");
  return {
    url: `http://${hostname}:${port}`,
    port,
    idleMs: () => performance.now() - lastRequest,
    refresh,
    async close() {
      await watch.stop();
      const impatient = setTimeout(() => stop.abort(), options.closeMs ?? 5000);
      await server.shutdown();
      clearTimeout(impatient);
      await options.inferenceLog?.close();
      standard.close();
      endpoints.close();
      log.info({ inference_log: options.inferenceLog?.status() ?? null }, "stopped");
    },
  };
}

function partsOf(options: ServingOptions, onRequest: () => void): AppParts {
  const { directory, models, inferenceLog } = options;
  const log = options.log ?? servingLog();
  const metrics = servingMetrics(() => inferenceLog?.status() ?? null);
  const onFailure = (err: Error, model: string) =>
    log.warn({ err, model }, "a model cannot be loaded");
  const stateFile = directory ? join(directory, "endpoints.json") : null;
  return {
    standard: deploy(models, options.standard.name, options.standard.version, { onFailure }),
    endpoints: openEndpoints(models, stateFile, { onFailure }),
    features: featureSource(options.lookUp, {
      ...options,
      onFailure(error, reason) {
        metrics.storeFailures.inc({ reason });
        log.warn({ reason, error: reasonOf(error) }, "the online store gave no features");
        options.onFailure?.(error, reason);
      },
    }),
    actions: options.actions ?? null,
    streamTime: options.streamTime ?? (() => Promise.resolve(null)),
    tokens: tokenBook({
      tokens: options.tokens ?? [],
      ...(directory ? { directory: join(directory, "tokens") } : {}),
    }),
    rate: rateLimit(options.rate),
    limits: { ...LIMITS, ...options.limits },
    log,
    metrics,
    onScored: (...scored) => inferenceLog?.add(...scored),
    onRequest,
  };
}

/** What went wrong, without messages: those of a store may name a user's keys. */
function reasonOf(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error) {
    innermost = innermost.cause;
  }
  const { code, name } = innermost as { code?: unknown; name?: unknown };
  return String(code ?? name ?? "unknown");
}

function listen(
  options: ServingOptions,
  signal: AbortSignal,
  handler: Deno.ServeHandler<Deno.NetAddr>,
) {
  const { host = "127.0.0.1", port = 0 } = options;
  try {
    return Deno.serve({ hostname: host, port, signal, onListen: () => {} }, handler);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new BusyError(
      `Port ${port} is in use: stop what uses it, or set SERVING_PORT to another (0 takes a free one).`,
      { cause: error },
    );
  }
}

/**
 * Calls `body` every `ms` milliseconds, unless the last call still runs; 0 never does. An interval
 * rather than a chain of timeouts: with DuckDB loaded, Deno 2.8 can lose a timeout that is set where
 * another one's wait ends.
 */
function every(ms: number, body: () => Promise<unknown>): { stop(): Promise<void> } {
  let running: Promise<unknown> | null = null;
  const timer = ms === 0 ? undefined : setInterval(() => {
    running ??= body().finally(() => running = null);
  }, ms);
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}

/** A policy that cannot be read leaves the one before in force. */
async function refreshActions({ actions, log }: AppParts): Promise<void> {
  try {
    if (await actions?.refresh()) log.info({ policy: actions?.policy().source }, "new policy");
  } catch (err) {
    log.warn({ err }, "the action policy cannot be read");
  }
}
