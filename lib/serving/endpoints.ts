import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { NotFoundError, writeWhole } from "clickstream/config";
import { deploy, type Deployment, type DeployOptions } from "./deployment.ts";
import { describe, type Endpoint, type EndpointRecord } from "./endpointStatus.ts";
import { ApiError } from "./errors.ts";
import type { EndpointRequest } from "./endpointRequest.ts";
import type { ModelSource } from "./types.ts";

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

interface State {
  source: ModelSource;
  stateFile: string | null;
  options: DeployOptions;
  endpoints: Map<string, Endpoint>;
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
  const state: State = { source, stateFile, options, endpoints };
  for (const record of readRecords(stateFile)) endpoints.set(record.name, start(state, record));
  return {
    list: () => [...endpoints.values()].map(describe),
    get: (name) => describe(find(state, name)),
    create: (request) => create(state, request),
    update: (name, config) => update(state, name, config),
    remove(name) {
      const endpoint = find(state, name);
      endpoints.delete(name);
      stop(endpoint);
      save(state);
    },
    deployment: (name) => find(state, name).active,
    async refresh() {
      const all = [...endpoints.values()].map((one) => one.active.refresh());
      return (await Promise.all(all)).filter(Boolean).length;
    },
    close: () => endpoints.forEach(stop),
  };
}

function find(state: State, name: string): Endpoint {
  const found = state.endpoints.get(name);
  if (found === undefined) throw missing(name);
  return found;
}

async function create(state: State, request: EndpointRequest): Promise<unknown> {
  const { name, config } = request;
  if (state.endpoints.has(name)) throw existing(name);
  await checkModel(state.source, config);
  if (state.endpoints.has(name)) throw existing(name);
  const endpoint = start(state, newRecord(request));
  state.endpoints.set(name, endpoint);
  save(state);
  return describe(endpoint);
}

async function update(
  state: State,
  name: string,
  config: EndpointRequest["config"],
): Promise<unknown> {
  find(state, name);
  await checkModel(state.source, config);
  const endpoint = find(state, name);
  replace(state, endpoint, config);
  save(state);
  return describe(endpoint);
}

function save(state: State): void {
  writeRecords(state.stateFile, [...state.endpoints.values()].map((one) => one.record));
}

function start({ source, options }: State, record: EndpointRecord): Endpoint {
  const active = deploy(source, record.entity.model, record.entity.version, options);
  return { record, active, next: null, updateFailed: false };
}

function stop(endpoint: Endpoint): void {
  endpoint.active.close();
  endpoint.next?.close();
}

function replace(
  { source, options }: State,
  endpoint: Endpoint,
  config: EndpointRequest["config"],
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
  if (stateFile !== null) writeWhole(stateFile, JSON.stringify(records, null, 2));
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
