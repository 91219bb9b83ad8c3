/** Asks for the services of a home and prints what it is told: `deno run -A … HOME`. */
import { loadConfig } from "clickstream/config";
import { ensureServices } from "clickstream/emulators";

console.log(JSON.stringify(await ensureServices(loadConfig({ CLICKSTREAM_HOME: Deno.args[0]! }))));
