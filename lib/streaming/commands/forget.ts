import { parseArgs } from "node:util";
import { ConfigError, runCommand } from "clickstream/config";
import { table } from "clickstream/display";
import { ensureServices } from "clickstream/emulators";
import { forgetUser } from "../forget.ts";
import { idOf } from "./ids.ts";
import { withLive } from "./live.ts";

if (import.meta.main) await runCommand(main);

/**
 * `deno task forget -- USER`: erases a user from tables (old versions too), the online store and
 * the inference log, and counts the products anew.
 */
async function main(args: string[]): Promise<void> {
  const user = readOptions(args);
  await withLive("write", async (live) => {
    const { connectionString } = (await ensureServices(live.config)).eventHubs;
    const { rows, documents } = await forgetUser({ ...live, connectionString, user });
    await table(
      Object.entries(rows).map(([name, n]) => ({
        table: name,
        "rows erased": n,
        "documents erased": documents[name] ?? null,
      })),
      { title: `User ${user}`, limit: 40 },
    );
    console.log(
      "Not erased: the hub's own events, which go when its retention is over; source files and downloads; models already trained.",
    );
  });
}

function readOptions(args: string[]): bigint {
  try {
    const { positionals } = parseArgs({ args, allowPositionals: true, strict: true });
    if (positionals.length !== 1) throw new Error("One user is needed");
    return idOf(positionals[0]!, "USER");
  } catch (cause) {
    throw new ConfigError(`${(cause as Error).message}: deno task forget -- USER`, { cause });
  }
}
