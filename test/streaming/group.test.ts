import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { ReadableStream as NodeStream } from "node:stream/web";
import { fileURLToPath } from "node:url";
import { loadConfig, waitUntil } from "clickstream/config";
import { joinGroup, startReplay } from "clickstream/streaming";
import { withBlobStore } from "./azurite.ts";
import { assertEqualsCleanRun, endWhenSent, type SmallShop, withShop } from "./shop.ts";

const SCRIPT = fileURLToPath(new URL("./group_process.ts", import.meta.url));
/** Times faster than it happened: a month in about twenty seconds. */
const SPEED = 120_000;

/** A member of the group in a process of its own. */
class MemberProcess {
  partitions: number[] = [];
  messages = 0;
  readonly #child: Deno.ChildProcess;

  constructor({ config, connectionString, endpoint, key }: SmallShop) {
    const { home, checkpointStore } = config;
    const args = [home, connectionString, endpoint, key, checkpointStore.connectionString];
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "-q", SCRIPT, ...args],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    void this.#follow();
  }

  async until(what: string, wanted: (member: MemberProcess) => boolean): Promise<void> {
    await waitUntil(() => wanted(this), { timeoutMs: 300_000, intervalMs: 5, what });
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }

  async #follow(): Promise<void> {
    const stdout = Readable.fromWeb(this.#child.stdout as unknown as NodeStream);
    for await (const line of createInterface({ input: stdout })) {
      const [partitions, messages] = line.split(" ");
      this.partitions = partitions === "" ? [] : partitions!.split(",").map(Number);
      this.messages = Number(messages);
    }
  }
}

Deno.test(
  "two processes share the partitions; one killed, they move; one joins, they move again; nothing is lost or doubled",
  { sanitizeOps: false, sanitizeResources: false },
  async () => {
    await withBlobStore(async (blobs) => {
      await withShop(5000, async (small) => {
        const config = loadConfig({
          CLICKSTREAM_HOME: small.config.home,
          CHECKPOINT_STORE_CONNECTION_STRING: blobs,
        });
        const shop = { ...small, config };
        const first = new MemberProcess(shop);
        await first.until("the first to read all", ({ partitions }) => partitions.length === 4);
        const second = new MemberProcess(shop);
        await second.until("the second to read half", ({ partitions }) => partitions.length === 2);
        await first.until("the first to give half", ({ partitions }) => partitions.length === 2);
        assert.deepEqual([...first.partitions, ...second.partitions].sort(), [0, 1, 2, 3]);
        const replay = await startReplay({ ...shop, speed: SPEED });
        await first.until("the first to be at work", ({ messages }) => messages > 60);
        await second.until("the second to be at work", ({ messages }) => messages > 30);
        await first.kill();
        await second.until("the second to take over", ({ partitions }) => partitions.length === 4);
        const before = second.messages;
        const third = await joinGroup({
          ...shop,
          commitMillis: 20,
          goldMillis: 40,
          renewMillis: 200,
          lapseMillis: 2500,
        });
        await second.until(
          "the second to share again",
          (m) => m.partitions.length === 2 && m.messages > before,
        );
        await second.kill();
        const { error } = await replay.finished;
        assert.equal(error, null);
        await endWhenSent(shop, third);
        assert.deepEqual(third.partitions, [0, 1, 2, 3]);
        await assertEqualsCleanRun(shop);
      });
    });
  },
);
