/** A streaming query in a process of its own, for tests that kill it: home, hub, endpoint, key. */
import { homePaths, loadConfig, pause } from "clickstream/config";
import { openLakehouse } from "clickstream/lakehouse";
import { openOnlineStore } from "clickstream/online";
import { startStream } from "clickstream/streaming";

const [home, connectionString, endpoint, key] = Deno.args as [string, string, string, string];
const config = loadConfig({ CLICKSTREAM_HOME: home });
const lake = await openLakehouse(homePaths(config).lakehouse, { threads: 1 });
const store = openOnlineStore({ endpoint, key, database: "clickstream" });
const query = await startStream({
  config,
  lake,
  store,
  connectionString,
  commitMillis: 20,
  goldMillis: 40,
  maxBatch: 23,
});
// One byte a batch: so the test knows that it is in the middle of the work.
let batches = 0;
for (;;) {
  const now = query.status();
  if (now.error !== null) throw now.error;
  if (now.batches > batches) Deno.stdout.writeSync(new Uint8Array(now.batches - batches));
  batches = now.batches;
  await pause(1);
}
