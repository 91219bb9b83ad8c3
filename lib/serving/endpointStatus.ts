import type { Deployment } from "./deployment.ts";

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

/** An endpoint of a running server. */
export interface Endpoint {
  record: EndpointRecord;
  /** What answers requests. */
  active: Deployment;
  /** What replaces it when loaded. */
  next: Deployment | null;
  /** A newer configuration could not be loaded. */
  updateFailed: boolean;
}

/** An endpoint in the shape of Databricks' API. */
export function describe(endpoint: Endpoint): unknown {
  const { record, active, next } = endpoint;
  const state = stateOf(endpoint);
  const deployment = state.ready === "READY"
    ? "DEPLOYMENT_READY"
    : state.config_update === "UPDATE_FAILED"
    ? "DEPLOYMENT_FAILED"
    : "DEPLOYMENT_CREATING";
  const entities = [servedEntity(record, active, deployment)];
  return {
    name: record.name,
    id: record.id,
    creator: "clickstream",
    creation_timestamp: record.created,
    last_updated_timestamp: record.updated,
    state,
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
        served_entities: [servedEntity(record, next, "DEPLOYMENT_CREATING")],
        config_version: record.configVersion,
        start_time: record.updated,
      },
    }),
    tags: record.tags,
    permission_level: "CAN_MANAGE",
    route_optimized: false,
  };
}

function stateOf({ active, next, updateFailed }: Endpoint) {
  const ready = active.version() !== null;
  const busy = next !== null || (!ready && active.loading());
  const failed = updateFailed || (!ready && active.failure() !== null);
  return {
    ready: ready ? "READY" : "NOT_READY",
    config_update: busy ? "IN_PROGRESS" : failed ? "UPDATE_FAILED" : "NOT_UPDATING",
  };
}

function servedEntity(record: EndpointRecord, deployment: Deployment, state: string) {
  const version = String(deployment.version() ?? deployment.wanted);
  return {
    name: record.entity.name,
    entity_name: deployment.name,
    entity_version: version,
    model_name: deployment.name,
    model_version: version,
    /** The alias that is followed, if any: ours, not Databricks'. */
    follows: /^\d+$/.test(deployment.wanted) ? null : deployment.wanted,
    state: { deployment: state, deployment_state_message: deployment.failure()?.message ?? "" },
  };
}
