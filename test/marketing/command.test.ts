import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "clickstream/config";
import {
  assertTies,
  closePipeline,
  deliver,
  formatHour,
  openPipeline,
  quote,
  STEPS,
} from "clickstream/marketing";
import { withHome } from "../support.ts";
import { ask, hitFile, until } from "./support.ts";

const MARKETING = "lib/marketing/commands/marketing.ts";

function start(home: string, file: string, ...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", join(projectRoot, file), "--", ...args],
    env: { CLICKSTREAM_HOME: home, NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function ended(child: Deno.ChildProcess) {
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

const command = (home: string, ...args: string[]) => ended(start(home, MARKETING, ...args));

Deno.test("Generated logs of three hours run from the command line, and sessions are those of the ground truth", async () => {
  await withHome(async (home) => {
    const ran = await command(home, "--from", "20101201_08", "--to", "20101201_10");
    assert.equal(ran.code, 0, ran.err);
    assert.match(ran.out, /All counts tie/);
    const shown = await command(home, "--status");
    assert.match(shown.out, /20101201_09/);
    await checkFrames(home);
    await checkMailing(home);
    const sql = "select userid, daily_spend from warehouse.daily_top_spenders where rank = 1";
    const asked = await ended(start(home, "lib/lakehouse/commands/sql.ts", sql));
    assert.match(asked.out, /userid +daily_spend\n.*\n\d{5} +\d+\.\d\d\n/, asked.err);
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

/** `--mode data-debug` shows what each step made. */
async function checkFrames(home: string): Promise<void> {
  const span = ["--from", "20101201_09", "--to", "20101201_09"];
  const { out } = await command(home, ...span, "--mode", "data-debug");
  for (const { name, frames } of STEPS) {
    assert.match(out, new RegExp(`20101201_09 ${name}: \\d+ ms`));
    for (const frame of frames) assert.match(out, new RegExp(`${name}: ${frame}, \\d+ rows`));
  }
  assert.match(out, /sessionid +userid/);
  const alone = await command(home, ...span, "--step", "map_sessions");
  assert.match(alone.out, /^20101201_09 map_sessions: \d+ ms\n$/);
}

/** `--mailing` writes letters to who consented. */
async function checkMailing(home: string): Promise<void> {
  const contacts = join(home, "contacts.csv");
  const people = ["16029,a@shop.example,Ann,yes", "17511,b@shop.example,Bea,yes"];
  writeFileSync(contacts, ["userid,email,name,consent", ...people, ""].join("\n"));
  const suppression = join(home, "stop.csv");
  writeFileSync(suppression, "email\nb@shop.example\n");
  const files = ["--contacts", contacts, "--suppression", suppression];
  const out = join(home, "letters");
  const { code, err } = await command(home, "--mailing", out, "--period", "20101201", ...files);
  assert.equal(code, 0, err);
  assert.deepEqual(readdirSync(out).sort(), ["001.html", "001.txt", "mailing.csv"]);
}

Deno.test("--watch runs an hour of today on the machine's clock, waits for the next, and ends by Ctrl-C", async () => {
  await withHome(async (home) => {
    const now = Date.now();
    const hour = formatHour(new Date(now - 3_600_000));
    const ts = new Date(now - 3_600_000).toISOString().slice(0, 19).replace("T", " ");
    const landing = join(home, "marketing", "landing");
    deliver(landing, hour, "omniture", [hitFile([{ ts, userid: "1" }])]);
    deliver(landing, hour, "sales", []);
    const span = ["--from", hour, "--to", formatHour(new Date(now + 7_200_000))];
    const child = start(home, MARKETING, "--watch", ...span);
    const taken = () => existsSync(join(landing, "_taken", hour, "sales"));
    await until(taken);
    child.kill("SIGINT");
    const { code, out, err } = await ended(child);
    assert.equal(code, 130, err);
    assert.match(out, /Stopped between two hours; the same command goes on/);
    const { out: status } = await command(home, "--status");
    assert.match(status, new RegExp(`${hour} +succeeded`));
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
        [["--mailing", "x"], /--mailing DIR needs --period/],
        [["--all", "--contacts", "x"], /belong to --mailing/],
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
