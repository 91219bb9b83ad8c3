/**
 * A member of a consumer group in a process of its own, for tests that kill it: home, hub, endpoint
 * and key of the online store, checkpoint store. Prints a line whenever its partitions or its
 * messages change.
 */
import { homePaths, loadConfig, pause } from "clickstream/config";
import { openLakehouse } from "clickstream/lakehouse";
import { openOnlineStore } from "clickstream/online";
import { joinGroup } from "clickstream/streaming";

const [home, connectionString, endpoint, key, blobs] = Deno.args as [
  string,
  string,
  string,
  string,
  string,
];
const config = loadConfig({
  CLICKSTREAM_HOME: home,
  CHECKPOINT_STORE_CONNECTION_STRING: blobs,
});
const lake = await openLakehouse(homePaths(config).lakehouse, { threads: 1 });
const store = openOnlineStore({ endpoint, key, database: "clickstream" });
const member = await joinGroup({
  config,
  lake,
  store,
  connectionString,
  commitMillis: 20,
  goldMillis: 40,
  maxBatch: 7,
  renewMillis: 200,
  lapseMillis: 2500,
});
let said = "";
for (;;) {
  const { messages, error } = member.status();
  if (error !== null) throw error;
  const line = `${member.partitions.join(",")} ${messages}\n`;
  if (line !== said) Deno.stdout.writeSync(new TextEncoder().encode(said = line));
  await pause(5);
}
