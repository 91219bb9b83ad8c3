/**
 * Seeds the online store in a process of its own, for a test that kills it: home, endpoint, key.
 * Prints a byte when some documents are written and others are not, and then waits to be killed.
 */
import { homePaths, loadConfig, pause } from "clickstream/config";
import { openLakehouse } from "clickstream/lakehouse";
import { openOnlineStore } from "clickstream/online";
import { type HistoryFile, readState, seedOnlineStore, streamFiles } from "clickstream/streaming";

const [home, endpoint, key] = Deno.args as [string, string, string];
const config = loadConfig({ CLICKSTREAM_HOME: home });
const lake = await openLakehouse(homePaths(config).lakehouse, { threads: 1 });
const store = openOnlineStore({ endpoint, key, database: "clickstream" });
let told = false;
await seedOnlineStore(lake, store, readState<HistoryFile>(streamFiles(config).history)!, {
  onProgress() {
    if (!told) Deno.stdout.writeSync(new Uint8Array(1));
    told = true;
  },
});
await pause(600_000);
