/** Serves a hub until it is killed: `deno run -A … DIRECTORY READY_FILE [PORT]`. */
import { renameSync, writeFileSync } from "node:fs";
import { HUB, startQuietly } from "./support.ts";

const [directory, ready, port] = Deno.args;
const server = await startQuietly({ directory: directory!, port: Number(port ?? 0) });
writeFileSync(`${ready}.new`, server.connectionString(HUB));
renameSync(`${ready}.new`, ready!);
