import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { NotFoundError } from "clickstream/config";
import { deploy, type Deployment, type DeployOptions } from "./deployment.ts";
import { ApiError } from "./errors.ts";
import type { EndpointRequest } from "./endpointRequest.ts";
import type { ModelSource } from "./types.ts";

/** An endpoint as it is kept on disk. */
export interface EndpointRecord {
  name: string;
  id: string;
  /** Milliseconds since 1970-01-01 UTC. */
  created: number;
  updated: number;
  configVersion: number;
  /** Model, and its version as a number or an alias. */
  entity: { name: string; model: string; version: string };
  tags: { key: string; value: string }[];
}

interface Endpoint {
  record: EndpointRecord;
  /** What answers requests. */
  active: Deployment;
  /** What replaces it when loaded. */
  next: Deployment | null;
  /** A newer configuration could not be loaded. */
  updateFailed: boolean;
}

/** The serving endpoints of this server, in Databricks' shapes. */
export interface Endpoints {
  list(): unknown[];
  /** @throws {ApiError} RESOURCE_DOES_NOT_EXIST */
  get(name: string): unknown;
  /** @throws {ApiError} RESOURCE_ALREADY_EXISTS, or RESOURCE_DOES_NOT_EXIST for its model */
  create(request: EndpointRequest): Promise<unknown>;
  /** Loads another model or version; the old one serves until then. */
  update(name: string, request: EndpointRequest["config"]): Promise<unknown>;
  remove(name: string): void;
  /** What answers the requests of an endpoint. @throws {ApiError} RESOURCE_DOES_NOT_EXIST */
  deployment(name: string): Deployment;
  /** Loads what aliases stand for now. Returns how many endpoints serve a new version. */
  refresh(): Promise<number>;
  close(): void;
}

/**
 * Opens the endpoints kept in `stateFile` and loads their models in the background.
 *
 * @param stateFile where they are kept over restarts; null keeps them in memory only
 */
export function openEndpoints(
  source: ModelSource,
  stateFile: string | null,
  options: DeployOptions = {},
): Endpoints {
  const endpoints = new Map<string, Endpoint>();
  for (const record of readRecords(stateFile)) {
    endpoints.set(record.name, start(source, record, options));
  }
  const save = () => writeRecords(stateFile, [...endpoints.values()].map((one) => one.record));
  const find = (name: string) => {
    const found = endpoints.get(name);
    if (found === undefined) throw missing(name);
    return found;
  };
  return {
    list: () => [...endpoints.values()].map(describe),
    get: (name) => describe(find(name)),
    async create(request) {
      if (endpoints.has(request.name)) throw existing(request.name);
      await checkModel(source, request.config);
      if (endpoints.has(request.name)) throw existing(request.name);
      const endpoint = start(source, newRecord(request), options);
      endpoints.set(request.name, endpoint);
      save();
      return describe(endpoint);
    },
    async update(name, config) {
      find(name);
      await checkModel(source, config);
      const endpoint = find(name);
      replace(source, endpoint, config, options);
      save();
      return describe(endpoint);
    },
    remove(name) {
      const endpoint = find(name);
      endpoints.delete(name);
      stop(endpoint);
      save();
    },
    deployment: (name) => find(name).active,
    async refresh() {
      const all = [...endpoints.values()].map((one) => one.active.refresh());
      return (await Promise.all(all)).filter(Boolean).length;
    },
    close: () => endpoints.forEach(stop),
  };
}

function start(source: ModelSource, record: EndpointRecord, options: DeployOptions): Endpoint {
  const active = deploy(source, record.entity.model, record.entity.version, options);
  return { record, active, next: null, updateFailed: false };
}

function stop(endpoint: Endpoint): void {
  endpoint.active.close();
  endpoint.next?.close();
}

function replace(
  source: ModelSource,
  endpoint: Endpoint,
  config: EndpointRequest["config"],
  options: DeployOptions,
): void {
  endpoint.next?.close();
  const next = deploy(source, config.model, config.version, options);
  endpoint.next = next;
  endpoint.updateFailed = false;
  const { record } = endpoint;
  record.entity = { name: config.name, model: config.model, version: config.version };
  record.configVersion++;
  record.updated = Date.now();
  next.firstLoad.then(() => {
    if (endpoint.next !== next) return;
    endpoint.next = null;
    if (next.version() === null) {
      endpoint.updateFailed = true;
      next.close();
      return;
    }
    endpoint.active.close();
    endpoint.active = next;
  });
}

async function checkModel(source: ModelSource, config: EndpointRequest["config"]): Promise<void> {
  try {
    await source.resolve(config.model, config.version);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    throw new ApiError("RESOURCE_DOES_NOT_EXIST", error.message, { cause: error });
  }
}

function newRecord(request: EndpointRequest): EndpointRecord {
  const { name, model, version } = request.config;
  return {
    name: request.name,
    id: randomUUID().replaceAll("-", ""),
    created: Date.now(),
    updated: Date.now(),
    configVersion: 1,
    entity: { name, model, version },
    tags: request.tags,
  };
}

function describe(endpoint: Endpoint): unknown {
  const { record, active, next, updateFailed } = endpoint;
  const ready = active.version() !== null;
  const failed = updateFailed || (!ready && !active.loading() && active.failure() !== null);
  const busy = next !== null || (!ready && active.loading());
  const served = (deployment: Deployment, state: string) => ({
    name: record.entity.name,
    entity_name: deployment.name,
    entity_version: String(deployment.version() ?? deployment.wanted),
    model_name: deployment.name,
    model_version: String(deployment.version() ?? deployment.wanted),
    follows: /^\d+$/.test(deployment.wanted) ? null : deployment.wanted,
    state: { deployment: state, deployment_state_message: deployment.failure()?.message ?? "" },
  });
  const entities = ready
    ? [served(active, "DEPLOYMENT_READY")]
    : [served(active, failed ? "DEPLOYMENT_FAILED" : "DEPLOYMENT_CREATING")];
  return {
    name: record.name,
    id: record.id,
    creator: "clickstream",
    creation_timestamp: record.created,
    last_updated_timestamp: record.updated,
    state: {
      ready: ready ? "READY" : "NOT_READY",
      config_update: busy ? "IN_PROGRESS" : failed ? "UPDATE_FAILED" : "NOT_UPDATING",
    },
    config: {
      served_entities: entities,
      served_models: entities,
      traffic_config: {
        routes: [{ served_model_name: record.entity.name, traffic_percentage: 100 }],
      },
      config_version: record.configVersion,
    },
    ...(next === null ? {} : {
      pending_config: {
        served_entities: [served(next, "DEPLOYMENT_CREATING")],
        config_version: record.configVersion,
        start_time: record.updated,
      },
    }),
    tags: record.tags,
    permission_level: "CAN_MANAGE",
    route_optimized: false,
  };
}

function readRecords(stateFile: string | null): EndpointRecord[] {
  if (stateFile === null) return [];
  try {
    return JSON.parse(readFileSync(stateFile, "utf8")) as EndpointRecord[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new ApiError(
      "INTERNAL_ERROR",
      `The file of endpoints ${stateFile} cannot be read: remove it and create them again.`,
      { cause: error },
    );
  }
}

function writeRecords(stateFile: string | null, records: EndpointRecord[]): void {
  if (stateFile === null) return;
  mkdirSync(dirname(stateFile), { recursive: true });
  writeFileSync(`${stateFile}.new`, JSON.stringify(records, null, 2));
  renameSync(`${stateFile}.new`, stateFile);
}

function missing(name: string): ApiError {
  return new ApiError(
    "RESOURCE_DOES_NOT_EXIST",
    `Endpoint with name '${name}' does not exist: create it by POST /api/2.0/serving-endpoints.`,
  );
}

function existing(name: string): ApiError {
  return new ApiError(
    "RESOURCE_ALREADY_EXISTS",
    `Endpoint with name '${name}' already exists: use it, or change it by PUT /api/2.0/serving-endpoints/${name}/config.`,
  );
}
