import { RegistryError } from "../errors.ts";
import {
  asText,
  finiteMetrics,
  type MetricValue,
  type Run,
  type RunRecord,
  type RunStart,
  type Tracker,
} from "./tracker.ts";

/** Where an MLflow server is and how to get in. */
export interface MlflowOptions {
  /** Such as `http://127.0.0.1:5000`. */
  trackingUri: string;
  /** Bearer token (Databricks and guarded servers). @default none */
  token?: string;
  /** Milliseconds for one request. @default 30000 */
  timeoutMs?: number;
}

/** One call of MLflow's REST API. */
export type MlflowCall = <T>(
  method: "GET" | "POST" | "PATCH" | "DELETE",
  path: string,
  body?: Record<string, unknown>,
) => Promise<T>;

const BATCH = 900;

/**
 * Calls MLflow's REST API.
 *
 * @throws {RegistryError} the server is out of reach, or answers with an error (its code in `cause`)
 */
export function mlflowCall(options: MlflowOptions): MlflowCall {
  return async <T>(method: string, path: string, body: Record<string, unknown> = {}) => {
    const isGet = method === "GET";
    const query = isGet ? `?${new URLSearchParams(body as Record<string, string>)}` : "";
    const response = await send(options, `/api/2.0/mlflow/${path}${query}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(isGet ? {} : { body: JSON.stringify(body) }),
    });
    return await response.json() as T;
  };
}

/** Keeps runs on an MLflow server, through its REST API. */
export function mlflowTracker(options: MlflowOptions): Tracker {
  const call = mlflowCall(options);
  return {
    kind: "mlflow",
    startRun: (start) => startRun(options, call, start),
    readRun: (id) => readRun(call, id),
    listRuns: async (experiment) => {
      const found = await call<{ runs?: MlflowRun[] }>("POST", "runs/search", {
        experiment_ids: [await experimentId(call, experiment)],
        order_by: ["attributes.start_time ASC"],
        max_results: 1000,
      });
      return (found.runs ?? []).map(({ info }) => info.run_id);
    },
    readArtefact: async (id, name) => {
      const { run } = await call<{ run: MlflowRun }>("GET", "runs/get", { run_id: id });
      const response = await send(options, artefactPath(run.info.artifact_uri, name), {});
      return new Uint8Array(await response.arrayBuffer());
    },
  };
}

interface MlflowRun {
  info: {
    run_id: string;
    run_name: string;
    experiment_id: string;
    status: RunRecord["status"];
    start_time: number;
    end_time?: number;
    artifact_uri: string;
  };
  data: {
    params?: { key: string; value: string }[];
    tags?: { key: string; value: string }[];
    metrics?: { key: string }[];
  };
}

async function startRun(options: MlflowOptions, call: MlflowCall, start: RunStart): Promise<Run> {
  const { run } = await call<{ run: MlflowRun }>("POST", "runs/create", {
    experiment_id: await experimentId(call, start.experiment),
    run_name: start.name,
    start_time: Date.now(),
    tags: pairs(start.tags ?? {}),
  });
  const id = run.info.run_id;
  const logBatch = async (batch: Record<string, unknown>) => {
    await call("POST", "runs/log-batch", { run_id: id, ...batch });
  };
  return {
    id,
    logParameters: (parameters) => logBatch({ params: pairs(parameters) }),
    logMetrics: async (metrics, step = 0) => {
      const values = finiteMetrics(metrics, step);
      for (let i = 0; i < values.length; i += BATCH) {
        await logBatch({ metrics: values.slice(i, i + BATCH) });
      }
    },
    setTags: (tags) => logBatch({ tags: pairs(tags) }),
    logArtefact: async (name, content) => {
      await (await send(options, artefactPath(run.info.artifact_uri, name), {
        method: "PUT",
        body: content as BodyInit,
      })).body?.cancel();
    },
    end: async (status = "FINISHED") => {
      await call("POST", "runs/update", { run_id: id, status, end_time: Date.now() });
    },
  };
}

async function readRun(call: MlflowCall, id: string): Promise<RunRecord> {
  const { run } = await call<{ run: MlflowRun }>("GET", "runs/get", { run_id: id });
  const metrics: MetricValue[] = [];
  for (const { key } of run.data.metrics ?? []) {
    metrics.push(...await metricHistory(call, id, key));
  }
  const { experiment } = await call<{ experiment: { name: string } }>("GET", "experiments/get", {
    experiment_id: run.info.experiment_id,
  });
  return {
    id,
    experiment: experiment.name,
    name: run.info.run_name,
    status: run.info.status,
    startedAt: Number(run.info.start_time),
    endedAt: run.info.end_time ? Number(run.info.end_time) : null,
    parameters: record(run.data.params),
    tags: record(run.data.tags?.filter(({ key }) => !key.startsWith("mlflow."))),
    metrics,
    artefacts: await listArtefacts(call, id),
  };
}

/** Every value of one metric, page by page: without a page size the server answers an empty page. */
async function metricHistory(call: MlflowCall, id: string, key: string): Promise<MetricValue[]> {
  const values: MetricValue[] = [];
  let page: { page_token?: string } = {};
  for (;;) {
    const found = await call<{ metrics?: MetricValue[]; next_page_token?: string }>(
      "GET",
      "metrics/get-history",
      { run_id: id, metric_key: key, max_results: "5000", ...page },
    );
    for (const { value, step, timestamp } of found.metrics ?? []) {
      values.push({ key, value, step: Number(step ?? 0), timestamp: Number(timestamp) });
    }
    if (!found.next_page_token || !found.metrics?.length) return values;
    page = { page_token: found.next_page_token };
  }
}

async function listArtefacts(call: MlflowCall, id: string, path = ""): Promise<string[]> {
  const { files = [] } = await call<{ files?: { path: string; is_dir: boolean }[] }>(
    "GET",
    "artifacts/list",
    path === "" ? { run_id: id } : { run_id: id, path },
  );
  const inside = await Promise.all(
    files.map(({ path, is_dir }) => is_dir ? listArtefacts(call, id, path) : [path]),
  );
  return inside.flat().sort();
}

async function experimentId(call: MlflowCall, name: string): Promise<string> {
  try {
    const found = await call<{ experiment: { experiment_id: string } }>(
      "GET",
      "experiments/get-by-name",
      { experiment_name: name },
    );
    return found.experiment.experiment_id;
  } catch (error) {
    if ((error as Error).cause !== "RESOURCE_DOES_NOT_EXIST") throw error;
  }
  try {
    const made = await call<{ experiment_id: string }>("POST", "experiments/create", { name });
    return made.experiment_id;
  } catch (error) {
    // Another process made it in between.
    if ((error as Error).cause !== "RESOURCE_ALREADY_EXISTS") throw error;
    return await experimentId(call, name);
  }
}

/** The path of an artefact behind the server's artefact proxy. */
function artefactPath(uri: string, name: string): string {
  if (!uri.startsWith("mlflow-artifacts:")) {
    throw new RegistryError(
      `The MLflow server keeps artefacts at ${uri.split(":")[0]}:, not behind its own proxy; ` +
        "start it with --serve-artifacts.",
    );
  }
  const root = uri.slice("mlflow-artifacts:".length).replace(/^\/+/, "").replace(
    /^[^/]*:\d+\//,
    "",
  );
  const parts = `${root}/${name}`.split("/").map(encodeURIComponent).join("/");
  return `/api/2.0/mlflow-artifacts/artifacts/${parts}`;
}

async function send(options: MlflowOptions, path: string, init: RequestInit): Promise<Response> {
  const { trackingUri, token, timeoutMs = 30_000 } = options;
  const headers = new Headers(init.headers);
  if (token !== undefined && token !== "") headers.set("authorization", `Bearer ${token}`);
  let response: Response;
  try {
    response = await fetch(trackingUri.replace(/\/+$/, "") + path, {
      ...init,
      headers,
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch (cause) {
    throw new RegistryError(
      `The MLflow server at ${trackingUri} is out of reach; start it, or unset MLFLOW_TRACKING_URI.`,
      { cause },
    );
  }
  if (response.ok) return response;
  const text = await response.text();
  const { error_code, message } = parseError(text);
  throw new RegistryError(
    `MLflow answered ${response.status} to ${path.split("?")[0]}: ${message ?? text.slice(0, 200)}`,
    { cause: error_code },
  );
}

function parseError(text: string): { error_code?: string; message?: string } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function pairs(values: Record<string, unknown>): { key: string; value: string }[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: asText(value) }));
}

function record(values: { key: string; value: string }[] = []): Record<string, string> {
  return Object.fromEntries(values.map(({ key, value }) => [key, value]));
}
