/** A replay in a process of its own, for tests that kill it: home, hub, speed. Ends with 0 when done. */
import { homePaths, loadConfig, runCommand } from "clickstream/config";
import { openLakehouse } from "clickstream/lakehouse";
import { startReplay } from "clickstream/streaming";

await runCommand(async ([home, connectionString, speed]) => {
  const config = loadConfig({ CLICKSTREAM_HOME: home! });
  const lake = await openLakehouse(homePaths(config).lakehouse, { threads: 1 });
  const replay = await startReplay({
    config,
    lake,
    connectionString: connectionString!,
    speed: Number(speed),
  });
  const { error } = await replay.finished;
  if (error !== null) throw error;
});
