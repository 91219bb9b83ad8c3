import { ConfigError, homePaths, loadConfig, runCommand } from "clickstream/config";
import { table } from "clickstream/display";
import { closeLakehouse, openLakehouse } from "../lake.ts";
import { query } from "../query.ts";

if (import.meta.main) await runCommand(main);

/** `deno task sql -- "select …"`: runs a query over the home's tables and prints up to 50 rows. */
async function main(args: string[]): Promise<void> {
  const [sql, ...rest] = args;
  if (sql === undefined || rest.length > 0) {
    throw new ConfigError('Give one query: deno task sql -- "select count(*) from staged_events"');
  }
  const lake = await openLakehouse(homePaths(loadConfig()).lakehouse);
  try {
    await table(await query(lake, sql), { limit: 50 });
  } catch (cause) {
    if (!/Error:/.test(String(cause))) throw cause;
    throw new ConfigError((cause as Error).message.trim(), { cause });
  } finally {
    await closeLakehouse(lake);
  }
}
