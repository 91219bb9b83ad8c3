import { parseArgs } from "node:util";
import { ConfigError, runCommand } from "clickstream/config";
import { table } from "clickstream/display";
import { maintainTables } from "../maintenance.ts";
import { withLive } from "./live.ts";

if (import.meta.main) await runCommand(main);

/**
 * `deno task maintenance`: deletes gold rows whose retention is over, puts small files together and
 * removes old versions' files; `--online-ttl on|off` lets cart documents go by the clock, or not.
 */
async function main(args: string[]): Promise<void> {
  const onlineTimeToLive = readOptions(args);
  await withLive("write", async (live) => {
    const results = await maintainTables({
      ...live,
      ...(onlineTimeToLive === undefined ? {} : { onlineTimeToLive }),
    });
    await table(results.map((result) => ({ ...result })), {
      title: `Maintained (gold rows are kept for ${live.config.retentionDays} days)`,
    });
  });
}

function readOptions(args: string[]): "on" | "off" | undefined {
  const usage = "deno task maintenance [-- --online-ttl on|off]";
  try {
    const { values } = parseArgs({
      args,
      options: { "online-ttl": { type: "string" } },
      strict: true,
    });
    const given = values["online-ttl"];
    if (given === undefined || given === "on" || given === "off") return given;
    throw new Error(`--online-ttl is on or off, not ${given}`);
  } catch (cause) {
    throw new ConfigError(`${(cause as Error).message}. ${usage}`, { cause });
  }
}
