/** Opens DuckDB, then waits some times by pauses and by timeouts, with nothing else going on. */
import { DuckDBInstance } from "@duckdb/node-api";
import { pause } from "clickstream/config";

const instance = await DuckDBInstance.create(":memory:");
await (await instance.connect()).runAndReadAll("select 1");
for (let i = 0; i < 40; i++) await pause(5);
for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 10));
instance.closeSync();
console.log("done");
Deno.exit(0);
