import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { assertTies, closePipeline, openPipeline, quote } from "clickstream/marketing";
import { withHome } from "../support.ts";
import { ask } from "./support.ts";

async function command(home: string, ...args: string[]) {
  const script = fileURLToPath(
    new URL("../../lib/marketing/commands/marketing.ts", import.meta.url),
  );
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, "--", ...args],
    env: { CLICKSTREAM_HOME: home, NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code: output.code, out: text(output.stdout), err: text(output.stderr) };
}

Deno.test("Generated logs of three hours run from the command line, and sessions are those of the ground truth", async () => {
  await withHome(async (home) => {
    const ran = await command(home, "--from", "20101201_08", "--to", "20101201_10");
    assert.equal(ran.code, 0, ran.err);
    assert.match(ran.out, /All counts tie/);
    const shown = await command(home, "--status");
    assert.match(shown.out, /20101201_09/);
    const pipeline = await openPipeline({ home });
    try {
      assert.ok((await assertTies(pipeline)).mapped > 100);
      const truth = quote(`${pipeline.folder}/truth/visits.parquet`);
      // Visits wholly inside the three hours are sessions with the same first and last hit.
      const [found] = await ask(
        pipeline,
        `WITH inside AS (SELECT * FROM read_parquet(${truth}) WHERE userid IS NOT NULL
           AND start_ts >= TIMESTAMP '2010-12-01 08:00:00' AND end_ts < TIMESTAMP '2010-12-01 11:00:00')
         SELECT count(*) AS visits, count_if(sessions.end_ts = inside.end_ts) AS found,
           (SELECT count(*) FROM inside WHERE kind = 'purchase') AS purchases
         FROM inside LEFT JOIN warehouse.sessions AS sessions ON sessions.userid = inside.userid
           AND sessions.ip = inside.ip AND sessions.start_ts = inside.start_ts`,
      );
      assert.equal(found!.found, found!.visits);
      assert.ok(Number(found!.purchases) > 10);
    } finally {
      await closePipeline(pipeline);
    }
  });
});

Deno.test("A mistake at the command line is answered in one sentence", async () => {
  await withHome(async (home) => {
    for (
      const [args, words] of [
        [
          ["--from", "2010-12-01", "--to", "20101201_10"],
          /is not an hour: write it as YYYYMMDD_HH/,
        ],
        [["--all", "--step", "map"], /There is no step map; they are add_partition/],
        [["--all", "--web-logs", "x"], /--web-logs and --sales go together/],
        [[], /Say which hours/],
      ] as const
    ) {
      const { code, err } = await command(home, ...args);
      assert.equal(code, 1);
      assert.match(err, words);
      assert.doesNotMatch(err, /\bat .*\.ts:\d/);
    }
  });
});
