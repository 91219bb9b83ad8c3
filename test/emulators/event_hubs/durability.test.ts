import assert from "node:assert/strict";
import { EventHubConsumerClient, EventHubProducerClient } from "@azure/event-hubs";
import {
  appendFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BusyError, waitUntil } from "clickstream/config";
import { withHome } from "../../support.ts";
import { hasSmallDisk, withSmallDisk } from "../small_disk.ts";
import { HUB, receive, startQuietly, withEventHubs, withProducer } from "./support.ts";

const SERVE = fileURLToPath(new URL("./serve_hub.ts", import.meta.url));

for (const damage of ["half a record", "garbage", "a record with a flipped bit"]) {
  Deno.test(`${damage} at the end of the log is cut off at the next start`, async () => {
    await withEventHubs(async (server, directory) => {
      await withProducer(server, async (producer) => {
        for (let i = 0; i < 3; i++) {
          await producer.sendBatch([{ body: { i, pad: "x".repeat(100) } }], { partitionId: "0" });
        }
      });
      await server.close();
      const whole = damageLog(join(directory, "hubs", HUB, "0"), damage);
      const warnings: string[] = [];
      const again = await startQuietly({ directory, log: (line) => warnings.push(line) });
      try {
        assert.match(warnings.join(), /torn end/);
        await withProducer(
          again,
          (producer) => producer.sendBatch([{ body: { i: "next" } }], { partitionId: "0" }),
        );
        const events = await receive(again, { count: whole + 1, partition: "0" });
        const bodies = events.map((event) => event.body.i);
        assert.deepEqual(bodies, [...[0, 1, 2].slice(0, whole), "next"]);
        assert.deepEqual(events.map((event) => event.sequenceNumber), [...bodies.keys()]);
      } finally {
        await again.close();
      }
    });
  });
}

Deno.test("damage in an old segment costs that segment's events and no others", async () => {
  await withEventHubs(async (server, directory) => {
    await withProducer(server, async (producer) => {
      for (let i = 0; i < 6; i++) {
        await producer.sendBatch([{ body: { i, pad: "x".repeat(300) } }], { partitionId: "0" });
      }
    });
    await server.close();
    const [, second] = segments(join(directory, "hubs", HUB, "0"));
    const bytes = readFileSync(second!);
    bytes[100]! ^= 1;
    writeFileSync(second!, bytes);
    const again = await startQuietly({ directory });
    try {
      const events = await receive(again, { count: 5, partition: "0" });
      assert.deepEqual(events.map((event) => event.body.i), [0, 2, 3, 4, 5]);
    } finally {
      await again.close();
    }
  }, { segmentBytes: 100 });
});

Deno.test("events acknowledged before a kill -9 in the middle of sending are all there, once and in order", async () => {
  await withHome(async (home) => {
    const first = await startProcess(home);
    const acknowledged: number[] = [];
    const producer = new EventHubProducerClient(first.connectionString, {
      retryOptions: { maxRetries: 0, timeoutInMs: 1000 },
    });
    let next = 0;
    const sending = (async () => {
      while (true) {
        const numbers = Array.from({ length: 50 }, () => next++);
        const events = numbers.map((number) => ({ body: { number, pad: "x".repeat(200) } }));
        await producer.sendBatch(events, { partitionId: "0" });
        acknowledged.push(...numbers);
      }
    })().catch(() => {});
    await waitUntil(() => acknowledged.length >= 2000, { what: "2,000 acknowledged events" });
    await first.kill();
    await sending;
    await producer.close().catch(() => {});
    const directory = join(home, "hubs");
    const again = await startQuietly({ directory });
    try {
      const events = await receive(again, { count: acknowledged.length, partition: "0" });
      const numbers = events.map((event) => event.body.number);
      assert.deepEqual(numbers, [...numbers.keys()]);
      assert.ok(numbers.length >= acknowledged.length);
      assert.deepEqual(events.map((event) => event.sequenceNumber), [...numbers.keys()]);
    } finally {
      await again.close();
    }
  });
});

Deno.test("clients go on by themselves when the server was killed and came back on its port", async () => {
  await withHome(async (home) => {
    const first = await startProcess(home);
    const retry = { retryOptions: { maxRetries: 20, timeoutInMs: 1000, retryDelayInMs: 100 } };
    const consumer = new EventHubConsumerClient("$Default", first.connectionString, retry);
    const producer = new EventHubProducerClient(first.connectionString, retry);
    const bodies: unknown[] = [];
    const subscription = consumer.subscribe("0", {
      processEvents: (events) => {
        bodies.push(...events.map((event) => event.body));
        return Promise.resolve();
      },
      processError: () => Promise.resolve(),
    }, { startPosition: { offset: "-1" }, maxWaitTimeInSeconds: 0.2 });
    await producer.sendBatch([{ body: "before" }], { partitionId: "0" });
    await waitUntil(() => bodies.length === 1, { what: "the first event" });
    await first.kill();
    const port = /:(\d+);/.exec(first.connectionString)![1]!;
    const second = await startProcess(home, port);
    await producer.sendBatch([{ body: "after" }], { partitionId: "0" });
    await waitUntil(() => bodies.length === 2, { what: "the second event" });
    assert.deepEqual(bodies, ["before", "after"]);
    await Promise.all([subscription.close(), producer.close()]);
    await consumer.close();
    await second.kill();
  });
});

Deno.test("with an fsync interval events are acknowledged at once and kept all the same", async () => {
  await withEventHubs(async (server, directory) => {
    await withProducer(server, async (producer) => {
      for (let i = 0; i < 20; i++) await producer.sendBatch([{ body: i }], { partitionId: "0" });
    });
    await server.close();
    const again = await startQuietly({ directory });
    try {
      assert.equal((await receive(again, { count: 20, partition: "0" })).length, 20);
    } finally {
      await again.close();
    }
  }, { fsync: { intervalMs: 50 } });
});

Deno.test("a folder is used by one server at a time", async () => {
  await withEventHubs(async (_server, directory) => {
    await assert.rejects(startQuietly({ directory }), BusyError);
  });
});

Deno.test("a port in use is named", async () => {
  await withEventHubs(async (server, directory) => {
    const other = startQuietly({ directory: join(directory, "..", "other"), port: server.port });
    await assert.rejects(other, (error) => {
      assert.ok(error instanceof BusyError);
      assert.match(error.message, new RegExp(`Port ${server.port} .* in use`));
      return true;
    });
  });
});

Deno.test({
  name: "a full disk is an error for the sender; once there is room, sending goes on",
  ignore: !hasSmallDisk(),
  fn: () =>
    withSmallDisk(4, async ({ folder, fill, free }) => {
      const directory = join(folder, "hubs");
      const server = await startQuietly({ directory });
      const kept: string[] = [];
      const send = async (producer: EventHubProducerClient, body: string) => {
        await producer.sendBatch([{ body }], { partitionId: "0" });
        kept.push(body);
      };
      await withProducer(server, async (producer) => {
        await send(producer, "before");
        fill();
        const failures = await Promise.all(
          Array.from({ length: 20 }, (_, i) =>
            send(producer, `${i} ${"x".repeat(20_000)}`).then(() => null, (error) => error)),
        );
        for (
          const error of failures.filter((one) =>
            one !== null
          )
        ) {
          assert.match(error.message, /written to disk.*No space left/s);
        }
        assert.notEqual(failures.at(-1), null, "the disk was full");
        free();
        await send(producer, "after");
      });
      await server.close();
      const again = await startQuietly({ directory });
      const events = await receive(again, { count: kept.length, partition: "0" });
      assert.deepEqual(events.map((event) => event.body), kept);
      assert.deepEqual(events.map((event) => event.sequenceNumber), [...kept.keys()]);
      await again.close();
    }),
});

/** Damages the end of a log; returns how many whole records it leaves. */
function damageLog(directory: string, damage: string): number {
  const path = segments(directory).at(-1)!;
  const { size } = statSync(path);
  if (damage === "half a record") truncateSync(path, size - 50);
  else if (damage === "garbage") appendFileSync(path, new Uint8Array(77).fill(0x5a));
  else {
    const bytes = readFileSync(path);
    bytes[size - 10]! ^= 4;
    writeFileSync(path, bytes);
  }
  return damage === "garbage" ? 3 : 2;
}

function segments(directory: string): string[] {
  return readdirSync(directory).sort().map((name) => join(directory, name));
}

async function startProcess(home: string, port = "0") {
  rmSync(join(home, "ready"), { force: true });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", SERVE, join(home, "hubs"), join(home, "ready"), port],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const connectionString = await waitUntil(() => {
    try {
      return readFileSync(join(home, "ready"), "utf8");
    } catch {
      return null;
    }
  }, { what: "the server process" });
  return {
    connectionString,
    kill: async () => {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}
