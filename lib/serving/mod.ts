/** The scoring endpoint: a server over a model and the online features, and a client for it. */
import type { ServingOptions, ServingServer } from "./server.ts";

export * from "./actions/action.ts";
export * from "./actions/itemToItem.ts";
export * from "./actions/learn.ts";
export { publishMargins } from "./actions/margins.ts";
export * from "./actions/moments.ts";
export * from "./actions/parts.ts";
export * from "./actions/policy.ts";
export * from "./actions/profit.ts";
export * from "./askAgain.ts";
export * from "./client.ts";
export * from "./ensure.ts";
export { ApiError, type ErrorCode, ServingError } from "./errors.ts";
export * from "./liveScores.ts";
export { admitToken, mintToken } from "./tokens.ts";
export type * from "./types.ts";
export type { ServingOptions, ServingServer } from "./server.ts";

/**
 * Starts a scoring server in this process. The server's libraries are loaded at the call.
 *
 * @throws {BusyError} the port is in use
 */
export async function startServing(options: ServingOptions): Promise<ServingServer> {
  const { startServer } = await import("./server.ts");
  return await startServer(options);
}
