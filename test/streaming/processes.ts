import { fileURLToPath } from "node:url";
import type { SmallShop } from "./shop.ts";

const STREAM = fileURLToPath(new URL("./stream_process.ts", import.meta.url));

/** A streaming query in a process of its own. */
export interface StreamProcess {
  /** Ends when the process has worked through so many micro-batches, or is gone. */
  batches(wanted: number): Promise<number>;
  /** kill -9. */
  kill(): Promise<void>;
}

/** Starts a streaming query in a process of its own. */
export function startStreamProcess(
  shop: Pick<SmallShop, "config" | "connectionString" | "endpoint" | "key">,
): StreamProcess {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "-q",
      STREAM,
      shop.config.home,
      shop.connectionString,
      shop.endpoint,
      shop.key,
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  return {
    async batches(wanted) {
      let seen = 0;
      for await (const bytes of child.stdout) {
        seen += bytes.length;
        if (seen >= wanted) break;
      }
      return seen;
    },
    async kill() {
      if (!child.stdout.locked) await child.stdout.cancel();
      child.kill("SIGKILL");
      await child.status;
    },
  };
}
