import { join } from "node:path";
import { type Config, homePaths } from "clickstream/config";
import { fileTracker } from "./files.ts";
import { mlflowTracker } from "./mlflow.ts";
import type { Tracker } from "./tracker.ts";

/** The tracker that the configuration names: MLflow's where its URI is set, else files of the home. */
export function openTracker(config: Config): Tracker {
  const { trackingUri } = config.mlflow;
  if (trackingUri === "") return fileTracker(join(homePaths(config).registry, ".runs"));
  const token = trackingUri.startsWith(config.databricks.host) ? config.databricks.token : "";
  return mlflowTracker({ trackingUri, token: config.databricks.host === "" ? "" : token });
}
