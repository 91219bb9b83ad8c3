/** The report of a run as one HTML page. */
export * from "./history.ts";
export * from "./report.ts";
