import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "clickstream/config";
import { type JobDefinition, type TaskDefinition, withoutTasks } from "./graph.ts";

type Row = [key: string, description: string, dependsOn: string[], minutes: number, group?: string];

/** The tasks of the job, a row each: what it does, what it waits for, its longest time in minutes. */
const ROWS: Row[] = [
  ["0a_config", "Show the settings and check that every service answers", [], 10],
  ["0b_prepare_data", "Get the events, and split them at the cutoff", ["0a_config"], 60],
  [
    "1a_publish_historical_data",
    "History into bronze and silver, features and training tables",
    ["0b_prepare_data"],
    60,
  ],
  [
    "1b_train_model",
    "Train, evaluate and register the purchase model",
    ["1a_publish_historical_data"],
    120,
  ],
  ["2a_generate_live_events", "Replay the rest of the events", ["1b_train_model"], 120, "live"],
  [
    "2b_process_live_events_streaming",
    "Stream to silver, features and the online store",
    ["1b_train_model"],
    120,
    "live",
  ],
  [
    "2c_process_live_events_batch",
    "Compute the daily features at every midnight",
    ["1b_train_model"],
    120,
    "live",
  ],
  [
    "2d_deploy_model",
    "Serve the model with its feature look-ups, and score",
    [
      "2a_generate_live_events",
      "2b_process_live_events_streaming",
      "2c_process_live_events_batch",
    ],
    60,
  ],
  ["3a_ingest_web_logs_and_sales", "Web logs and sales into raw tables", ["0a_config"], 60],
  [
    "3b_map_sessions_to_sales",
    "Sessions, and the sales they led to",
    ["3a_ingest_web_logs_and_sales"],
    60,
  ],
  [
    "3c_top_spenders_and_insights",
    "Top spenders by hour and day",
    ["3b_map_sessions_to_sales"],
    60,
  ],
];

/** Longest time of the whole job, in seconds: eight hours. */
const JOB_TIMEOUT_SECONDS = 28_800;

/**
 * The clickstream job, with those of its tasks whose notebook exists.
 *
 * @param directory folder of the notebooks
 */
export function clickstreamJob(directory: string = join(projectRoot, "notebooks")): JobDefinition {
  const tasks = ROWS.map(([key, description, dependsOn, minutes, group]): TaskDefinition => ({
    key,
    description,
    notebook: join(directory, `${key}.ipynb`),
    dependsOn,
    timeoutSeconds: minutes * 60,
    maxRetries: key === "0a_config" ? 1 : 0,
    group,
  }));
  const job: JobDefinition = {
    name: "clickstream",
    tags: { project: "clickstream", pipeline: "purchase-propensity" },
    timeoutSeconds: JOB_TIMEOUT_SECONDS,
    tasks,
  };
  return withoutTasks(job, (task) => existsSync(task.notebook));
}
