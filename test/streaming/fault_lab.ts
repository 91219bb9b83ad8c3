/** A shop whose hub, store, stream and replay each run in a process that may be killed. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { homePaths, loadConfig, waitUntil } from "clickstream/config";
import { closeLakehouse, openLakehouse } from "clickstream/lakehouse";
import { closeOnlineStore, openOnlineStore } from "clickstream/online";
import { readState, type ReplayFile, streamFiles } from "clickstream/streaming";
import { withHome } from "../support.ts";
import { publishShop, type SmallShop } from "./shop.ts";

/** What can be killed. */
export const PARTS = ["stream", "replay", "hub", "store"] as const;
export type Part = typeof PARTS[number];

/** A shop in four processes. */
export interface FaultLab {
  shop: SmallShop;
  /** kill -9, and a new process in its place. */
  kill(part: Part): Promise<void>;
  /** Restarts the replay when it has failed; whether it has sent everything. */
  allSent(): boolean;
  /** How many times each part was started again after it had ended by itself. */
  readonly restarts: Record<Part, number>;
  /** From now on the replay goes as fast as it can. */
  hurry(): Promise<void>;
  /** Ends stream and replay by kill -9; hub and store go on. */
  quiet(): Promise<void>;
}

const script = (name: string) => fileURLToPath(new URL(`./${name}`, import.meta.url));

/** Runs `body` with a shop in four processes; the replay takes about `seconds`. */
export async function withFaultLab(
  options: { events: number; seconds: number },
  body: (lab: FaultLab) => Promise<void>,
): Promise<void> {
  await withHome(async (home) => {
    const lab = new Processes(home, options.seconds);
    const metronome = startMetronome();
    try {
      const hub = await lab.serve("hub");
      const { endpoint, key } = await lab.serve("store") as { endpoint: string; key: string };
      const config = loadConfig({ CLICKSTREAM_HOME: home });
      const lake = await openLakehouse(homePaths(config).lakehouse, { threads: 1 });
      const store = openOnlineStore({ endpoint, key, database: "clickstream" });
      const { connectionString } = hub as { connectionString: string };
      const shop = { config, lake, store, connectionString, endpoint, key };
      try {
        await publishShop(shop, options.events);
        lab.begin(shop);
        await body(lab);
      } finally {
        await lab.quiet();
        closeOnlineStore(store);
        await closeLakehouse(lake);
      }
    } finally {
      await lab.end();
      metronome.kill("SIGKILL");
      await metronome.status;
    }
  });
}

/**
 * A process that says something ten times a second. With nothing else going on, Deno 2.8.0 can miss
 * timers and ends of processes on a loaded machine for as long as nothing is read.
 */
function startMetronome(): Deno.ChildProcess {
  const child = new Deno.Command("sh", {
    args: ["-c", "while sleep 0.1; do echo; done"],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  child.stdout.pipeTo(new WritableStream()).catch(() => {});
  return child;
}

class Processes implements FaultLab {
  shop!: SmallShop;
  readonly restarts = { stream: 0, replay: 0, hub: 0, store: 0 };
  readonly #home: string;
  #speed: string;
  readonly #children = new Map<Part, Deno.ChildProcess>();
  readonly #ended = new Set<Part>();
  readonly #ports = { hub: 0, store: 0 };

  constructor(home: string, seconds: number) {
    this.#home = home;
    this.#speed = String(28 * 86_400 / seconds); // the staged present is a February
  }

  begin(shop: SmallShop): void {
    this.shop = shop;
    this.#start("stream");
    this.#start("replay");
  }

  /** Starts the hub or the store and waits until it serves. */
  async serve(part: "hub" | "store"): Promise<unknown> {
    const ready = join(this.#home, `${part}.ready`);
    rmSync(ready, { force: true });
    this.#start(part);
    await waitUntil(() => existsSync(ready), { timeoutMs: 120_000, what: `the ${part}` });
    const state = JSON.parse(readFileSync(ready, "utf8")) as { port: number };
    this.#ports[part] = state.port;
    return state;
  }

  async kill(part: Part): Promise<void> {
    await this.#stop(part);
    if (part === "hub" || part === "store") await this.serve(part);
    else this.#start(part);
  }

  allSent(): boolean {
    for (const part of ["stream", "replay"] as const) {
      if (!this.#ended.has(part)) continue;
      if (part === "replay" && this.#isSent()) continue;
      this.restarts[part] += 1;
      this.#start(part);
    }
    return this.#isSent() && this.#ended.has("replay");
  }

  async hurry(): Promise<void> {
    this.#speed = "max";
    await this.kill("replay");
  }

  async quiet(): Promise<void> {
    await Promise.all([this.#stop("stream"), this.#stop("replay")]);
  }

  async end(): Promise<void> {
    await Promise.all(PARTS.map((part) => this.#stop(part)));
  }

  #isSent(): boolean {
    return readState<ReplayFile>(streamFiles(this.shop.config).replay)?.state === "done";
  }

  #start(part: Part): void {
    this.#ended.delete(part);
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "-q", ...this.#arguments(part)],
      stdin: "null",
      stdout: "null",
      stderr: part === "hub" || part === "store" ? "inherit" : "null",
    }).spawn();
    this.#children.set(part, child);
    child.status.then(() => this.#ended.add(part)); // the next one starts only after this
  }

  #arguments(part: Part): string[] {
    if (part === "hub" || part === "store") {
      const [directory, ready] = [join(this.#home, part), join(this.#home, `${part}.ready`)];
      return [script("service_process.ts"), part, directory, String(this.#ports[part]), ready];
    }
    const { config, connectionString, endpoint, key } = this.shop;
    if (part === "stream") {
      return [script("stream_process.ts"), config.home, connectionString, endpoint, key];
    }
    return [script("replay_process.ts"), config.home, connectionString, this.#speed];
  }

  async #stop(part: Part): Promise<void> {
    const child = this.#children.get(part);
    if (child === undefined) return;
    if (!this.#ended.has(part)) {
      try {
        child.kill("SIGKILL");
      } catch {
        // it has ended meanwhile
      }
    }
    // Not by awaiting its status: with nothing else going on, Deno 2.8.0 may sleep through that.
    await waitUntil(() => this.#ended.has(part), {
      timeoutMs: 120_000,
      what: `the ${part} to be gone`,
    });
  }
}
