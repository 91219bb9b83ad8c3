import assert from "node:assert/strict";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { advance, openCursor, peek } from "../../../lib/emulators/event_hubs/cursor.ts";
import type { StoredMessage } from "../../../lib/emulators/event_hubs/message.ts";
import { append, closeLog, createCommitQueue } from "../../../lib/emulators/event_hubs/commit.ts";
import {
  firstSequence,
  openPartitionLog,
  type PartitionLog,
} from "../../../lib/emulators/event_hubs/partition_log.ts";
import { applyRetention } from "../../../lib/emulators/event_hubs/retention.ts";
import { withHome } from "../../support.ts";

type Step =
  | { kind: "append"; sizes: number[] }
  | { kind: "restart" }
  | { kind: "pass time"; ms: number }
  | { kind: "retain"; ms: number; bytes: number };

interface Kept {
  sequence: number;
  offset: number;
  enqueuedMs: number;
  body: string;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("append" as const),
        sizes: fc.array(fc.nat(400), { minLength: 1, maxLength: 8 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("pass time" as const), ms: fc.nat(1000) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("retain" as const),
        ms: fc.integer({ min: 1, max: 3000 }),
        bytes: fc.integer({ min: 1, max: 8000 }),
      }),
    },
  ),
  { minLength: 1, maxLength: 25 },
);

Deno.test("whatever happens to a log, it reads as a list of all events whose oldest may be gone", async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(), async (plan, pick) => {
      await withHome(async (home) => {
        let now = 1_000_000;
        const open = () => openLog(join(home, "log"), () => now);
        let log = open();
        let all: Kept[] = [];
        let written = 0;
        for (const step of plan) {
          if (step.kind === "append") {
            const bodies = step.sizes.map((size) => `${written++}:${"x".repeat(size)}`);
            await kept(log, bodies);
          } else if (step.kind === "pass time") now += step.ms;
          else if (step.kind === "retain") await applyRetention(log, step);
          else {
            await closeLog(log);
            log = open();
          }
          all = checkAgainst(log, all);
        }
        checkPositions(log, all, pick);
        await closeLog(log);
      });
    }),
    { numRuns: 60 },
  );
});

Deno.test("appends that come together keep the order in which they came", async () => {
  await withHome(async (home) => {
    const log = openLog(join(home, "log"), Date.now);
    const bodies = Array.from({ length: 200 }, (_, i) => `${i}`);
    await Promise.all(bodies.map((body) => kept(log, [body])));
    assert.deepEqual(read(log, 0).map((event) => event.body), bodies);
    await closeLog(log);
  });
});

/** Reads the whole log and holds it against what was there before; returns what is there now. */
function checkAgainst(log: PartitionLog, before: Kept[]): Kept[] {
  const now = read(log, 0);
  const first = firstSequence(log);
  assert.equal(now[0]?.sequence ?? log.nextSequence, first);
  assert.deepEqual(now.map((event) => event.sequence), now.map((_, i) => first + i));
  assert.equal(first + now.length, log.nextSequence);
  const still = before.filter((event) => event.sequence >= first);
  assert.deepEqual(now.slice(0, still.length), still);
  return now;
}

function checkPositions(log: PartitionLog, all: Kept[], pick: number): void {
  if (all.length === 0) return;
  const at = pick % all.length;
  const { offset, sequence, enqueuedMs } = all[at]!;
  for (const inclusive of [true, false]) {
    const rest = all.slice(inclusive ? at : at + 1);
    for (const [kind, value] of [["offset", offset], ["sequence", sequence]] as const) {
      const cursor = openCursor(log, { kind, value, inclusive });
      assert.deepEqual(readOn(log, cursor!), rest);
    }
    const later = all.filter((event) =>
      inclusive ? event.enqueuedMs >= enqueuedMs : event.enqueuedMs > enqueuedMs
    );
    const cursor = openCursor(log, { kind: "time", value: enqueuedMs, inclusive });
    assert.deepEqual(readOn(log, cursor!), later);
  }
  const past = openCursor(log, { kind: "sequence", value: log.nextSequence, inclusive: false });
  assert.equal(past, null);
}

function read(log: PartitionLog, sequence: number): Kept[] {
  return readOn(log, openCursor(log, { kind: "sequence", value: sequence, inclusive: true })!);
}

function readOn(log: PartitionLog, cursor: NonNullable<ReturnType<typeof openCursor>>): Kept[] {
  const events: Kept[] = [];
  while (true) {
    const event = peek(log, cursor);
    if (event === null) return events;
    const { sequence, offset, enqueuedMs } = event;
    events.push({ sequence, offset, enqueuedMs, body: event.rest.toString() });
    advance(cursor);
  }
}

function openLog(directory: string, now: () => number): PartitionLog {
  return openPartitionLog(directory, {
    segmentBytes: 1000,
    fsync: { intervalMs: 10 },
    commits: createCommitQueue(),
    now,
    warn: (line) => assert.fail(line),
  });
}

/** Appends, and waits until it is kept. */
function kept(log: PartitionLog, bodies: string[]): Promise<void> {
  return new Promise((resolve, reject) =>
    append(log, bodies.map(message), (error) => error === null ? resolve() : reject(error))
  );
}

function message(body: string): StoredMessage {
  const nothing = Buffer.alloc(0);
  return {
    key: Buffer.from(body.length % 2 === 0 ? "key" : ""),
    header: nothing,
    annotations: nothing,
    annotationItems: 0,
    rest: Buffer.from(body),
  };
}
