/** Splits, scores, preprocessing, the network, calibration, the registry of models. */
export * from "./backend.ts";
export * from "./calibration.ts";
export * from "./columns.ts";
export * from "./errors.ts";
export * from "./evaluate.ts";
export * from "./explain.ts";
export * from "./model.ts";
export { DEFAULT_PARAMETERS, type NetworkParameters } from "./network/network.ts";
export type { Epoch } from "./network/train.ts";
export type { Preprocessing, PreprocessingOptions } from "./features/preprocessing.ts";
export * from "./registry/mod.ts";
export * from "./score.ts";
export * from "./scores/mod.ts";
export * from "./segments.ts";
export * from "./split.ts";
export { FEWEST_POSITIVES, type TrainingOptions, trainPropensity } from "./train.ts";
export type { SplitFrames } from "./parts.ts";
export * from "./tuning/mod.ts";
