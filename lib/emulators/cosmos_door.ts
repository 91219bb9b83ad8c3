import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The local Cosmos DB as the services process uses it. */
export interface Cosmos {
  endpoint: string;
  readKey: string;
  writeKey: string;
  status(): unknown;
  close(): Promise<void>;
}

/** Starts the local Cosmos DB. */
export async function startCosmos(options: { directory: string; port: number }): Promise<Cosmos> {
  const door = new URL("./cosmos/mod.ts", import.meta.url);
  if (!existsSync(fileURLToPath(door))) {
    const none = { endpoint: "", readKey: "", writeKey: "" };
    return { ...none, status: () => ({}), close: () => Promise.resolve() };
  }
  const module = await import(door.href) as { startCosmos: typeof startCosmos };
  return await module.startCosmos(options);
}
