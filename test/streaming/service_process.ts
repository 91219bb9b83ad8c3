/** The hub or the store in a process of its own, until killed: PART DIRECTORY PORT READY_FILE. */
import { renameSync, writeFileSync } from "node:fs";
import { startCosmos, startEventHubs } from "clickstream/emulators";

const [part, directory, port, ready] = Deno.args as [string, string, string, string];
const state = part === "hub" ? await hub() : await store();
writeFileSync(`${ready}.new`, JSON.stringify(state));
renameSync(`${ready}.new`, ready);

async function hub() {
  const server = await startEventHubs({
    directory,
    port: Number(port),
    hubs: [{ name: "electronics-events", partitions: 4 }],
    log: () => {},
  });
  return { port: server.port, connectionString: server.connectionString("electronics-events") };
}

async function store() {
  const server = await startCosmos({ directory, port: Number(port) });
  return { port: server.port, endpoint: server.endpoint, key: server.writeKey };
}
