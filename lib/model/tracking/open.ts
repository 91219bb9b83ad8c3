import { join } from "node:path";
import { type Config, homePaths } from "clickstream/config";
import type { TrainedModel } from "../model.ts";
import type { Tuning } from "../tuning/network_tuning.ts";
import { fileTracker } from "./files.ts";
import { type MlflowOptions, mlflowTracker } from "./mlflow.ts";
import { registerInMlflow, setAliasInMlflow } from "./mlflow_registry.ts";
import { trackModel } from "./model_run.ts";
import type { Tracker } from "./tracker.ts";

/** The tracker that the configuration names: MLflow's where its URI is set, else files of the home. */
export function openTracker(config: Config): Tracker {
  const mlflow = mlflowOf(config);
  return mlflow === null
    ? fileTracker(join(homePaths(config).registry, ".runs"))
    : mlflowTracker(mlflow);
}

/** What {@link trackTraining} keeps beside the model. */
export interface TrainingRun {
  /** The run's name. */
  name: string;
  description?: string;
  tags?: Record<string, string>;
  tuning?: Tuning | null;
}

/**
 * Keeps a training as a run where the configuration says; on an MLflow server it is also registered as
 * the next version of the configured model name, with the alias `production`.
 *
 * @returns the run's id, and the version on the MLflow server (null without one)
 * @throws {RegistryError} the server is out of reach or refuses
 */
export async function trackTraining(
  config: Config,
  model: TrainedModel,
  { name, description = "", tags = {}, tuning }: TrainingRun,
): Promise<{ runId: string; mlflowVersion: number | null }> {
  const experiment = config.model.name;
  const runId = await trackModel(openTracker(config), model, {
    ...{ experiment, name, tags },
    ...(tuning ? { tuning } : {}),
  });
  const mlflow = mlflowOf(config);
  if (mlflow === null) return { runId, mlflowVersion: null };
  const version = { name: experiment, runId, description, tags };
  const mlflowVersion = await registerInMlflow(mlflow, version);
  await setAliasInMlflow(mlflow, experiment, "production", mlflowVersion);
  return { runId, mlflowVersion };
}

/** Where MLflow is; null when the configuration names none. Databricks gets its token. */
function mlflowOf(config: Config): MlflowOptions | null {
  const { trackingUri } = config.mlflow;
  if (trackingUri === "") return null;
  const { host, token } = config.databricks;
  return { trackingUri, token: host !== "" && trackingUri.startsWith(host) ? token : "" };
}
