/**
 * Serves a Cosmos DB until its process is ended: `deno run -A … DIRECTORY READY_FILE`. The ready
 * file says how to connect, as JSON.
 */
import { renameSync, writeFileSync } from "node:fs";
import process from "node:process";
import { startCosmos } from "clickstream/emulators";

const [directory, ready] = Deno.args;
const { endpoint, readKey, writeKey } = await startCosmos({ directory: directory! });
writeFileSync(`${ready}.new`, JSON.stringify({ endpoint, readKey, writeKey, pid: process.pid }));
renameSync(`${ready}.new`, ready!);
