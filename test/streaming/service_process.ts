/**
 * Serves a hub or a store until it is killed: `hubs|cosmos DIRECTORY READY_FILE`. The ready file says
 * how to connect, as JSON. SIGUSR1 makes the store answer its next requests with 429.
 */
import { renameSync, writeFileSync } from "node:fs";
import process from "node:process";
import { startCosmos, startEventHubs } from "clickstream/emulators";

const THROTTLED = 60;
const [kind, directory, ready] = Deno.args as [string, string, string];

if (kind === "hubs") {
  const hubs = [{ name: "electronics-events", partitions: 4 }];
  const server = await startEventHubs({ directory, hubs, log: () => {} });
  say({ connectionString: server.connectionString("electronics-events"), port: server.port });
} else {
  const cosmos = await startCosmos({ directory });
  process.on("SIGUSR1", () => cosmos.throttle(THROTTLED));
  say({ endpoint: cosmos.endpoint, key: cosmos.writeKey, port: cosmos.port });
}

function say(state: unknown): void {
  writeFileSync(`${ready}.new`, JSON.stringify(state));
  renameSync(`${ready}.new`, ready);
}
