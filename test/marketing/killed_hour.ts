import process from "node:process";
import { loadConfig } from "clickstream/config";
import { openPipeline, runHour } from "clickstream/marketing";

/** Runs an hour of a home and dies by SIGKILL before its n-th commit; prints its state otherwise. */
const [home, hour, n] = Deno.args as [string, string, string];
let commits = 0;
const pipeline = await openPipeline(loadConfig({ CLICKSTREAM_HOME: home }), {
  onCommit: () => {
    if (++commits === Number(n)) process.kill(process.pid, "SIGKILL");
  },
});
console.log((await runHour(pipeline, hour)).state);
Deno.exit(0);
