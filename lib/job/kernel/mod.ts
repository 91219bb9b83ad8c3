/** A Deno Jupyter kernel as a child process, spoken to in ZMTP 3.0 and the Jupyter protocol. */
export * from "./client.ts";
export * from "./errors.ts";
export * from "./kernel.ts";
export * from "./message.ts";
export * from "./process.ts";
export * from "./version.ts";
export * from "./zmtp.ts";
