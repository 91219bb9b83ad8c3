/** Serves a hub until it is killed: `deno run -A … DIRECTORY READY_FILE`. */
import { renameSync, writeFileSync } from "node:fs";
import { HUB, startQuietly } from "./support.ts";

const [directory, ready] = Deno.args;
const server = await startQuietly({ directory: directory! });
writeFileSync(`${ready}.new`, server.connectionString(HUB));
renameSync(`${ready}.new`, ready!);
