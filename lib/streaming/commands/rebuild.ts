import { parseArgs } from "node:util";
import { ConfigError, runCommand } from "clickstream/config";
import { table } from "clickstream/display";
import { rebuildSilver } from "../rebuild.ts";
import { withLive } from "./live.ts";

if (import.meta.main) await runCommand(main);

/**
 * `deno task rebuild`: decodes bronze anew and compares silver's live rows with it; `--write`
 * replaces them and counts the features of changed keys anew. Ends with 1 when they differ and stay
 * so.
 */
async function main(args: string[]): Promise<number> {
  const write = readOptions(args);
  return await withLive("write", async (live) => {
    const { written, ...counts } = await rebuildSilver({ ...live, write });
    await table([counts], { title: "Live rows of silver, against bronze decoded anew" });
    const wrong = counts.missing + counts.extra + counts.differing + counts.unreadable;
    if (written) console.log("Silver is what bronze gives, and the features follow it.");
    if (wrong === 0 || written) return 0;
    console.error("Nothing was written: deno task rebuild -- --write replaces silver's live rows.");
    return 1;
  });
}

function readOptions(args: string[]): boolean {
  try {
    const { values } = parseArgs({ args, options: { write: { type: "boolean" } }, strict: true });
    return values.write ?? false;
  } catch (cause) {
    throw new ConfigError(`${(cause as Error).message}. deno task rebuild [-- --write]`, { cause });
  }
}
