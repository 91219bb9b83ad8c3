/** Searching parameters: spaces, the TPE sampler, studies kept on disk. */
export * from "./network_tuning.ts";
export * from "./space.ts";
export * from "./study.ts";
export * from "./tpe.ts";
