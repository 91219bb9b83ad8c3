import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  assertTies,
  closePipeline,
  openPipeline,
  type Pipeline,
  runHour,
} from "clickstream/marketing";
import { withHome } from "../support.ts";
import { allTables, deliverHour, type TestHit, type TestSale } from "./support.ts";

const [BEFORE, HOUR] = ["20101201_08", "20101201_09"] as const;
const HITS: TestHit[] = [
  { ts: "2010-12-01 09:05:00", userid: "1" },
  { ts: "2010-12-01 09:40:00", userid: "1" },
];
const SALES: TestSale[] = [
  ["2", "2010-12-01 09:10:00", 2, 3, "1"],
  ["3", "2010-12-01 09:10:00", 1, 1, "9"],
];

async function prepare(pipeline: Pipeline): Promise<void> {
  const sale: TestSale = ["1", "2010-12-01 08:57:00", 1, 2, "1"];
  deliverHour(pipeline, BEFORE, [{ ts: "2010-12-01 08:55:00", userid: "1" }], [sale]);
  await runHour(pipeline, BEFORE);
  deliverHour(pipeline, HOUR, HITS, SALES);
}

async function opened<T>(home: string, body: (pipeline: Pipeline) => Promise<T>): Promise<T> {
  const pipeline = await openPipeline({ home });
  try {
    return await body(pipeline);
  } finally {
    await closePipeline(pipeline);
  }
}

/** Runs the hour in a process of its own that dies before its n-th commit. */
async function killedAt(home: string, n: number): Promise<string> {
  const script = fileURLToPath(new URL("./killed_hour.ts", import.meta.url));
  const { signal, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, home, HOUR, String(n)],
    stdout: "piped",
    stderr: "inherit",
  }).output();
  return signal ?? new TextDecoder().decode(stdout).trim();
}

Deno.test("An hour killed before each of its commits in turn, and run again, gives the same tables", async () => {
  const expected = await withHome((home) =>
    opened(home, async (pipeline) => {
      await prepare(pipeline);
      await runHour(pipeline, HOUR);
      return await allTables(pipeline);
    })
  );
  await withHome(async (home) => {
    await opened(home, prepare);
    let ended = "SIGKILL";
    let kills = 0;
    for (; ended === "SIGKILL"; kills++) ended = await killedAt(home, kills + 1);
    assert.equal(ended, "succeeded");
    assert.ok(kills > 6, `${kills - 1} kills`);
    await opened(home, async (pipeline) => {
      assert.deepEqual(await allTables(pipeline), expected);
      await assertTies(pipeline);
    });
  });
});
