/** Jobs: the task graph, running it, its folder and what notebooks report. */
export * from "./clickstream_job.ts";
export * from "./folder.ts";
export * from "./graph.ts";
export * from "./new_run.ts";
export * from "./results.ts";
export * from "./run_job.ts";
export * from "./secrets.ts";
export * from "./state.ts";
