import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "clickstream/config";
import { type Actor, newActor } from "./actor.ts";

/** A TCP proxy in front of a service, for tests that break the line to it. */
export interface Proxy {
  /** Port that clients use. */
  port: number;
  /** Ends every connection there is, in mid-word; new ones are taken. */
  cut(): void;
  /** Passes nothing on any more, and keeps everything open: nobody notices. */
  stall(): void;
  close(): Promise<void>;
}

/**
 * Starts a proxy, in a process of its own.
 *
 * @param folder where its ready file may be
 * @param target a port of this machine, or the ready file of the service that names one
 */
export async function startProxy(folder: string, target: number | string): Promise<Proxy> {
  const ready = join(folder, `proxy-${crypto.randomUUID()}.json`);
  const actor = withReady(newActor("proxy_process.ts", [ready, String(target)]), ready);
  await actor.start();
  return {
    port: JSON.parse(readFileSync(ready, "utf8")).port,
    cut: () => actor.signal("SIGUSR1"),
    stall: () => actor.signal("SIGUSR2"),
    close: () => actor.kill(),
  };
}

/** An actor whose start ends when it has written its ready file. */
export function withReady(actor: Actor, ready: string): Actor {
  return {
    get printed() {
      return actor.printed;
    },
    get exit() {
      return actor.exit;
    },
    kill: actor.kill,
    signal: actor.signal,
    async start() {
      rmSync(ready, { force: true });
      await actor.start();
      await waitUntil(() => existsSync(ready) || actor.exit !== null, {
        timeoutMs: 120_000,
        what: "a service to start",
      });
      if (actor.exit !== null) throw new Error("A service ended at its start.");
    },
  };
}

/** The same connection string, by way of another port. */
export function byWayOf(connectionString: string, port: number): string {
  return connectionString.replace(/(Endpoint=sb:\/\/[^:;/]+):\d+/, `$1:${port}`);
}

/** Port of a connection string or URL. */
export function portOf(address: string): number {
  return Number(/:\/\/[^:;/]+:(\d+)/.exec(address)![1]);
}
