import { waitUntil } from "clickstream/config";
import { ServingError } from "./errors.ts";
import { exactCell } from "./exactJson.ts";
import type { InvocationParams } from "./invocation.ts";
import type { LookUpFailure } from "./types.ts";

/** A row to score: keys, features, or both. Ids are bigints or text; a time is ISO 8601 or a Date. */
export type RowToScore = Record<string, unknown>;

/** An endpoint to create. */
export interface EndpointToCreate {
  /** Letters, digits, `_` and `-`. */
  name: string;
  /** Registered model. */
  model: string;
  /** Version number, or an alias that is followed. @default "production" */
  version?: string | number;
}

/** What an endpoint is and whether it answers. */
export interface EndpointStatus {
  name: string;
  state: {
    ready: "READY" | "NOT_READY";
    config_update: "NOT_UPDATING" | "IN_PROGRESS" | "UPDATE_FAILED";
  };
  config: {
    served_entities: {
      entity_name: string;
      entity_version: string;
      follows: string | null;
      state: { deployment: string; deployment_state_message: string };
    }[];
  };
}

/** The answer to a scoring request, in the order of the rows. */
export interface ScoreAnswer {
  /** `[P(no purchase), P(purchase)]`; null for a product already bought in that cart. */
  predictions: ([number, number] | null)[];
  already_purchased: boolean[];
  /** Feature sets that were missing in the store, for each row. */
  defaults: string[][];
  /** Rows scored with defaults alone, as the online store failed or was too slow; null: none. */
  not_looked_up: { reason: LookUpFailure; rows: number } | null;
  /** Seconds by feature set, for each row; only when asked for. */
  ages?: Record<string, number | null>[];
  /** The inputs of the model, for each row; only when asked for. */
  features?: Record<string, unknown>[];
  /** What to do about each row; only when asked for. Null without keys or without a policy. */
  actions?: (ActionAnswer | null)[];
  model: { name: string; version: string };
}

/** A next best action as the endpoint answers it. */
export interface ActionAnswer {
  kind: "alternatives" | "discount" | "complements" | "none";
  /** Share of the price that is given away; null unless it is a discount. */
  discount: number | null;
  /** Products to show, best first. */
  products: string[];
  /** The reason in one sentence. */
  why: string;
}

/** Talks to a scoring server: this project's, or Databricks. */
export interface ServingClient {
  url: string;
  /** Creates the endpoint; an existing one is pointed at what the model's version or alias is now. */
  createEndpoint(endpoint: EndpointToCreate): Promise<EndpointStatus>;
  getEndpoint(name: string): Promise<EndpointStatus>;
  listEndpoints(): Promise<EndpointStatus[]>;
  deleteEndpoint(name: string): Promise<void>;
  /**
   * Waits until the endpoint answers with what it was last asked to serve.
   *
   * @throws {ServingError} its model could not be loaded
   * @throws {TimeoutError} it took longer
   */
  waitUntilReady(name: string, options?: { timeoutMs?: number }): Promise<EndpointStatus>;
  /**
   * Scores rows.
   *
   * @param name an endpoint; null asks `/invocations`
   */
  score(
    name: string | null,
    rows: RowToScore[],
    params?: Partial<InvocationParams>,
  ): Promise<ScoreAnswer>;
}

/** Where a server is and what opens it. */
export interface ServingTarget {
  /** Such as `http://127.0.0.1:8080`, without a path. */
  url: string;
  token: string;
  /** Milliseconds for an answer. @default 30000 */
  timeoutMs?: number;
}

/** A client of the scoring server at `target`. Nothing is sent before the first call. */
export function connectServing(target: ServingTarget): ServingClient {
  const url = target.url.replace(/\/+$/, "");
  const call = <T>(method: string, path: string, body?: unknown) =>
    request<T>({ ...target, url }, method, path, body);
  const all = "/api/2.0/serving-endpoints";
  const one = (name: string) => `${all}/${encodeURIComponent(name)}`;
  const getEndpoint = (name: string) => call<EndpointStatus>("GET", one(name));
  return {
    url,
    getEndpoint,
    async createEndpoint({ name, model, version = "production" }) {
      const config = {
        served_entities: [{
          entity_name: model,
          entity_version: String(version),
          // Databricks asks for these two.
          workload_size: "Small",
          scale_to_zero_enabled: true,
        }],
      };
      try {
        return await call<EndpointStatus>("POST", all, { name, config });
      } catch (error) {
        if (!isCode(error, "RESOURCE_ALREADY_EXISTS")) throw error;
      }
      const existing = await getEndpoint(name);
      if (serves(existing, model, String(version))) return existing;
      return await call<EndpointStatus>("PUT", `${one(name)}/config`, config);
    },
    async listEndpoints() {
      return (await call<{ endpoints: EndpointStatus[] }>("GET", all)).endpoints ?? [];
    },
    async deleteEndpoint(name) {
      await call("DELETE", one(name));
    },
    waitUntilReady(name, { timeoutMs = 60_000 } = {}) {
      return waitUntil(async () => {
        const status = await getEndpoint(name);
        if (status.state.config_update === "UPDATE_FAILED") throw notLoaded(status);
        const settled = status.state.config_update === "NOT_UPDATING";
        return settled && status.state.ready === "READY" ? status : null;
      }, { timeoutMs, intervalMs: 50, what: `endpoint ${name} to be READY` });
    },
    score(name, rows, params) {
      const path = name === null
        ? "/invocations"
        : `/serving-endpoints/${encodeURIComponent(name)}/invocations`;
      return call<ScoreAnswer>("POST", path, {
        ...inFormat(rows),
        ...(params === undefined ? {} : { params }),
      });
    },
  };
}

/** Rows of the same columns go in MLflow's split orientation, others as records. */
function inFormat(rows: RowToScore[]): Record<string, unknown> {
  const columns = Object.keys(rows[0] ?? {});
  const alike = rows.every((row) =>
    Object.keys(row).length === columns.length && columns.every((name) => Object.hasOwn(row, name))
  );
  if (alike) {
    const data = rows.map((row) => columns.map((name) => exactCell(row[name])));
    return { dataframe_split: { columns, data } };
  }
  return {
    dataframe_records: rows.map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [name, exactCell(value)]))
    ),
  };
}

/** An endpoint that follows an alias may be a moment behind it: it does not count as serving it. */
function serves(status: EndpointStatus, model: string, version: string): boolean {
  const [entity] = status.config.served_entities;
  return entity?.entity_name === model && entity.follows === null &&
    entity.entity_version === version && status.state.config_update === "NOT_UPDATING";
}

async function request<T>(
  target: ServingTarget,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(target.url + path, {
      method,
      headers: {
        authorization: `Bearer ${target.token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(target.timeoutMs ?? 30_000),
    });
    text = await response.text();
  } catch (cause) {
    throw new ServingError(
      `The scoring server at ${target.url} did not answer ${method} ${path}: check that it runs (deno task serve).`,
      "UNREACHABLE",
      0,
      { cause },
    );
  }
  if (response.ok) return JSON.parse(text) as T;
  throw refused(response.status, text, `${method} ${path}`);
}

function refused(status: number, text: string, what: string): Error {
  let code = "UNKNOWN";
  let message = text.slice(0, 200);
  try {
    const answer = JSON.parse(text) as { error_code?: unknown; message?: unknown };
    code = String(answer.error_code ?? code);
    message = String(answer.message ?? message);
  } catch {
    // Not JSON: the text itself is shown.
  }
  return new ServingError(`${what} was answered ${status} ${code}: ${message}`, code, status);
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof ServingError && error.code === code;
}

function notLoaded(status: EndpointStatus): ServingError {
  const reason = status.config.served_entities[0]?.state.deployment_state_message ?? "";
  return new ServingError(
    `Endpoint ${status.name} could not load its model: ${reason || "see the server's log"}.`,
    "UPDATE_FAILED",
    0,
  );
}
