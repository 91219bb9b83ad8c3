/** The replay in a process of its own: home, connection string, speed. Ends with 1 when it failed. */
import { homePaths, loadConfig } from "clickstream/config";
import { openLakehouse } from "clickstream/lakehouse";
import { startReplay } from "clickstream/streaming";

const [home, connectionString, speed] = Deno.args as [string, string, string];
const config = loadConfig({ CLICKSTREAM_HOME: home });
const lake = await openLakehouse(homePaths(config).lakehouse, { threads: 1 });
const replay = await startReplay({
  config,
  lake,
  connectionString,
  speed: speed === "max" ? "max" : Number(speed),
});
const { error } = await replay.finished;
Deno.exit(error === null ? 0 : 1);
