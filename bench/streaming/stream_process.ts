/**
 * The streaming query in a process of its own, as 2b is under RUNME. Prints a line of JSON with its
 * status every 50 ms, ends in order when its standard input does: home, most messages in a batch.
 */
import { homePaths, loadConfig, pause, runCommand } from "clickstream/config";
import { ensureServices } from "clickstream/emulators";
import { openLakehouse } from "clickstream/lakehouse";
import { onlineStoreOptions, openOnlineStore } from "clickstream/online";
import { startStream } from "clickstream/streaming";

await runCommand(async ([home, maxBatch]) => {
  const config = loadConfig({ CLICKSTREAM_HOME: home! });
  const services = await ensureServices(config);
  const lake = await openLakehouse(homePaths(config).lakehouse);
  const store = openOnlineStore(onlineStoreOptions(services, config, "write"));
  const { connectionString } = services.eventHubs;
  const query = await startStream({
    config,
    lake,
    store,
    connectionString,
    ...(maxBatch ? { maxBatch: Number(maxBatch) } : {}),
  });
  let ended = false;
  const input = Deno.stdin.readable.pipeTo(new WritableStream()).then(() => ended = true);
  const say = (status: unknown) => console.log(JSON.stringify(status));
  while (!ended) {
    say(query.status());
    await pause(50);
  }
  await input;
  say(await query.stop());
});
