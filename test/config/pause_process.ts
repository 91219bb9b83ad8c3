/** Opens DuckDB, then pauses a few times with nothing else going on. */
import { DuckDBInstance } from "@duckdb/node-api";
import { pause } from "clickstream/config";

const instance = await DuckDBInstance.create(":memory:");
for (let i = 0; i < 5; i++) await pause(10);
instance.closeSync();
console.log("done");
Deno.exit(0);
