/** The marketing warehouse: web logs and sales, sessions, top spenders, hour by hour. */
export * from "./errors.ts";
export { dayOf, formatHour, hoursBetween, parseHour } from "./hour.ts";
export * from "./landing.ts";
export * from "./journal.ts";
export {
  closePipeline,
  openPipeline,
  type Pipeline,
  type PipelineOptions,
  type Unit,
  unitOf,
} from "./pipeline.ts";
export * from "./clock.ts";
export * from "./run_hour.ts";
export * from "./coordinator.ts";
export * from "./ties.ts";
export { setUp, TABLES } from "./tables.ts";
export { showFrames, type Step, type StepName, STEPS } from "./steps.ts";
export * from "./generate/generate.ts";
export * from "./deliver_files.ts";
export * from "./insights.ts";
export { sessionizeSql, sessionRowsSql } from "./sessionize.ts";
export { quote } from "./quote.ts";
export * from "./mailing/mailing.ts";
