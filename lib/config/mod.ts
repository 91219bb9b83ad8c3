/** One typed configuration, the paths below a home, and the errors people can mend. */
export * from "./config.ts";
export * from "./credential.ts";
export * from "./errors.ts";
export * from "./mask.ts";
export * from "./partition_key.ts";
export * from "./paths.ts";
export * from "./background.ts";
export * from "./lock.ts";
export { sleep } from "./sleep.ts";
export * from "./wait.ts";
export * from "./whole_file.ts";
