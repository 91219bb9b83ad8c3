import { DuckDBInstance } from "@duckdb/node-api";
import { generateLanding } from "clickstream/marketing";

/** Generates a landing zone until it is killed. */
const [landing, from, to, sales] = Deno.args as [string, string, string, string];
const connection = await (await DuckDBInstance.create()).connect();
await generateLanding(connection, { landing, truth: `${landing}-truth`, from, to, sales });
Deno.exit(0);
