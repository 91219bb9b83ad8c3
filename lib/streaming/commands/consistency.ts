import { parseArgs } from "node:util";
import { ConfigError, runCommand } from "clickstream/config";
import { progress, table } from "clickstream/display";
import { checkConsistency, type Consistency, isConsistent } from "../consistency.ts";
import { withLive } from "./live.ts";

if (import.meta.main) await runCommand(main);

/**
 * `deno task consistency`: counts the features anew from silver and compares them, key by key, with
 * the `__inference` tables and the online store. Ends with 1 unless nothing differs, is missing or
 * is extra.
 */
async function main(args: string[]): Promise<number> {
  const { json } = readOptions(args);
  const results = await withLive("read", async (live) => {
    const reading = progress("Reading documents", { unit: "documents" });
    const read = new Map<string, number>();
    const results = await checkConsistency({
      ...live,
      onDocuments: (name, n) => {
        read.set(name, n);
        reading.update([...read.values()].reduce((sum, n) => sum + n, 0), name);
      },
    });
    await reading.finish();
    return results;
  });
  if (json) console.log(JSON.stringify(results, null, 2));
  else await table(results.map(shown), { title: "Recounted from silver, key by key", limit: 20 });
  if (isConsistent(results)) return 0;
  console.error(
    "The tables or the online store differ from what silver gives. Is a daily batch running just now? Else start 2b again: it goes on from silver.",
  );
  return 1;
}

function shown({ newest, behindSeconds, ...counts }: Consistency): Record<string, unknown> {
  return {
    ...counts,
    "fresh to": newest?.toISOString().slice(0, 19) ?? null,
    "behind (s)": behindSeconds === null ? null : Math.round(behindSeconds),
  };
}

function readOptions(args: string[]): { json: boolean } {
  try {
    const { values } = parseArgs({ args, options: { json: { type: "boolean" } }, strict: true });
    return { json: values.json ?? false };
  } catch (cause) {
    throw new ConfigError(`${(cause as Error).message}. deno task consistency [-- --json]`, {
      cause,
    });
  }
}
