/** Runs kept: parameters, metrics with steps, artefacts; in files or on an MLflow server. */
export * from "./files.ts";
export { type MlflowOptions, mlflowTracker } from "./mlflow.ts";
export {
  listVersionsInMlflow,
  loadFromMlflow,
  type MlflowVersion,
  type MlflowVersionOptions,
  registerInMlflow,
  setAliasInMlflow,
} from "./mlflow_registry.ts";
export * from "./model_card.ts";
export * from "./model_run.ts";
export * from "./open.ts";
export type { MetricValue, Run, RunRecord, RunStart, RunStatus, Tracker } from "./tracker.ts";
