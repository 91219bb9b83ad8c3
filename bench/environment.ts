import { DuckDBInstance } from "@duckdb/node-api";
import os from "node:os";

/** What a benchmark was measured with, and how busy the machine was when it began: a line. */
export async function environmentLine(): Promise<string> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const result = await connection.runAndReadAll("select version()");
  const duckDb = String(result.getRows()[0]![0]).replace(/^v/, "");
  const cpu = os.cpus()[0]?.model.trim() ?? "unknown processor";
  return `${navigator.hardwareConcurrency} cores (${cpu}), ` +
    `${(os.totalmem() / 2 ** 30).toFixed(0)} GiB, load ${os.loadavg()[0]!.toFixed(1)}; ` +
    `Deno ${Deno.version.deno}, DuckDB ${duckDb}, ${new Date().toISOString().slice(0, 10)}`;
}
