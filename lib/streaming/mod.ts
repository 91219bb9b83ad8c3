/** Replay, streaming queries, daily batch: from the hub to bronze, silver, gold and online. */
export * from "./consistency.ts";
export * from "./daily.ts";
export * from "./ending.ts";
export * from "./errors.ts";
export * from "./feature_tables.ts";
export * from "./forget.ts";
export * from "./history.ts";
export * from "./hub.ts";
export * from "./maintenance.ts";
export * from "./query.ts";
export * from "./replay.ts";
export * from "./reset.ts";
export * from "./seed_online.ts";
export * from "./staging.ts";
export * from "./state_file.ts";
export * from "./tables.ts";
export * from "./ties.ts";
