import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { waitUntil } from "clickstream/config";
import { records } from "clickstream/lakehouse";
import { readState, type ReplayFile, startReplay, streamFiles } from "clickstream/streaming";
import { readToEnd } from "../../lib/streaming/hub.ts";
import { type SmallShop, withShop } from "./shop.ts";

const SCRIPT = fileURLToPath(new URL("./replay_process.ts", import.meta.url));
// The SDKs keep timers and sockets of their own.
const options = { sanitizeOps: false, sanitizeResources: false };

/** What the hub holds: staged rows by partition, in order; and the partitions of each user. */
async function inHub(shop: SmallShop) {
  const rows = new Map<number, number[]>();
  const users = new Map<string, Set<number>>();
  await readToEnd(shop, {}, (messages) => {
    for (const { partition, body } of messages) {
      const row = Number(/"staged_row":(\d+)/.exec(body)![1]);
      const user = /"user_id":(\d+)/.exec(body)![1]!;
      rows.set(partition, [...rows.get(partition) ?? [], row]);
      users.set(user, (users.get(user) ?? new Set()).add(partition));
    }
  });
  return { rows, users };
}

async function assertSentOnceInOrder(shop: SmallShop): Promise<void> {
  const { rows, users } = await inHub(shop);
  for (const [partition, sent] of rows) {
    assert.deepEqual(sent, sent.toSorted((a, b) => a - b), `partition ${partition} is in order`);
  }
  for (const [user, partitions] of users) assert.equal(partitions.size, 1, `user ${user}`);
  const sent = [...rows.values()].flat();
  const [staged] = await records(
    shop.lake,
    "select count(*) as n from staged_events where data_set = 'real-time'",
  );
  assert.equal(new Set(sent).size, sent.length, "a row was sent twice");
  assert.equal(sent.length, Number(staged!.n));
}

Deno.test(
  "several producers send each row once, a partition's in order; stopped, another number of them goes on",
  options,
  async () => {
    await withShop(5000, async (shop) => {
      const first = { ...shop, speed: "max" as const, producers: 3, maxTimestamps: 200 };
      assert.equal((await (await startReplay(first)).finished).state, "done");
      const rest = await (await startReplay({ ...shop, speed: "max", producers: 9 })).finished;
      assert.deepEqual([rest.state, rest.sent], ["done", rest.total]);
      await assertSentOnceInOrder(shop);
    });
  },
);

Deno.test(
  "a replay of several producers that is killed in mid-sending goes on without a row lost or doubled",
  options,
  async () => {
    await withShop(5000, async (shop) => {
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "-q", SCRIPT, shop.config.home, shop.connectionString],
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
      const out = child.stdout.getReader();
      await waitUntil(async () => (await out.read()).value !== undefined, {
        timeoutMs: 120_000,
        what: "the replay to be in mid-sending",
      });
      child.kill("SIGKILL");
      await child.status;
      await out.cancel();
      const killed = readState<ReplayFile>(streamFiles(shop.config).replay)!;
      assert.equal(killed.state, "running");
      const rest = await (await startReplay({ ...shop, speed: "max", producers: 2 })).finished;
      assert.deepEqual([rest.state, rest.sent], ["done", rest.total]);
      await assertSentOnceInOrder(shop);
    });
  },
);
