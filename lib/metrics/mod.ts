/** The metric sets, defined once as data, and all that is derived from them. */
export * from "./counting.ts";
export * from "./definition.ts";
export * from "./elapsed.ts";
export * from "./history_sql.ts";
export * from "./schema.ts";
export * from "./spine.ts";
export * from "./state_columns.ts";
export * from "./training_rows.ts";
