import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { ReadableStream as NodeStream } from "node:stream/web";
import { waitUntil } from "clickstream/config";
import type { StreamStatus } from "clickstream/streaming";

const SCRIPT = fileURLToPath(new URL("./stream_process.ts", import.meta.url));

/** A streaming query that runs in another process. */
export class StreamHandle {
  /** The newest status; null before the first. */
  status: StreamStatus | null = null;
  readonly #child: Deno.ChildProcess;
  readonly #ended: Promise<void>;
  #over = false;

  constructor(home: string, maxBatch?: number) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "-q", SCRIPT, home, maxBatch === undefined ? "" : String(maxBatch)],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#ended = this.#follow();
  }

  /** Waits until the status is as wanted, and returns it. */
  async until(what: string, wanted: (status: StreamStatus) => boolean): Promise<StreamStatus> {
    await waitUntil(() => this.#over || (this.status !== null && wanted(this.status)), {
      timeoutMs: 900_000,
      intervalMs: 10,
      what,
    });
    if (this.#over) throw new Error(`the stream ended before ${what}`);
    return this.status!;
  }

  /** Memory that the process holds now, in MiB. */
  get megabytes(): number {
    const text = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(text)![1]) / 1024);
  }

  /** Ends the query in order. */
  async stop(): Promise<StreamStatus> {
    await this.#child.stdin.close();
    await this.#ended;
    await this.#child.status;
    return this.status!;
  }

  async #follow(): Promise<void> {
    const stdout = Readable.fromWeb(this.#child.stdout as unknown as NodeStream);
    for await (const line of createInterface({ input: stdout })) this.status = JSON.parse(line);
    this.#over = true;
  }
}
