/** A replay of four producers in a process of its own, for a test that kills it: home, hub. */
import { homePaths, loadConfig, pause } from "clickstream/config";
import { openLakehouse } from "clickstream/lakehouse";
import { startReplay } from "clickstream/streaming";

const [home, connectionString] = Deno.args as [string, string];
const config = loadConfig({ CLICKSTREAM_HOME: home });
const lake = await openLakehouse(homePaths(config).lakehouse, { threads: 1 });
const replay = await startReplay({
  config,
  lake,
  connectionString,
  speed: 100_000, // a month in half a minute: killed in the middle, whatever else goes on
  producers: 4,
});
while (replay.status().sent < 200) await pause(1);
Deno.stdout.writeSync(new Uint8Array(1));
await replay.finished;
