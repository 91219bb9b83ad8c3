import { parseArgs } from "node:util";
import { ConfigError, runCommand } from "clickstream/config";
import { table } from "clickstream/display";
import { ensureServices } from "clickstream/emulators";
import { requeueRejected } from "../requeue.ts";
import { withLive } from "./live.ts";

if (import.meta.main) await runCommand(main);

/**
 * `deno task requeue`: counts the rejected messages that are events by today's rules; `--write`
 * sends them through the hub again, each once; `--reason TEXT` takes only some.
 */
async function main(args: string[]): Promise<void> {
  const options = readOptions(args);
  await withLive("read", async ({ config, lake }) => {
    const { connectionString } = (await ensureServices(config)).eventHubs;
    const result = await requeueRejected({ config, lake, connectionString, ...options });
    await table([{ ...result, "still rejected": result.tried - result.readable }], {
      title: "Rejected messages, decoded anew",
    });
    if (result.sent > 0) console.log("Run 2b: it takes in what was sent.");
    else if (result.readable > 0) {
      console.log("Nothing was sent: deno task requeue -- --write sends the readable ones.");
    }
  });
}

function readOptions(args: string[]): { write: boolean; reason?: string } {
  try {
    const { values } = parseArgs({
      args,
      options: { write: { type: "boolean" }, reason: { type: "string" } },
      strict: true,
    });
    const { write = false, reason } = values;
    return reason === undefined ? { write } : { write, reason };
  } catch (cause) {
    throw new ConfigError(
      `${(cause as Error).message}. deno task requeue [-- --reason TEXT] [--write]`,
      { cause },
    );
  }
}
