/**
 * The marketing warehouse: `deno run -A bench/marketing.ts [HITS]`
 * - sessions and mapping in one pass over HITS hits (default 1,000,000) and 541,909 lines of sales,
 *   with seven hits a session, as in the generated logs, and with nearly all hits a session alone;
 * - a week hour by hour, each hour with commits of its own, beside the same week with eleven times
 *   the history: what an hour costs, what a year of them would, and how that grows.
 */
import { mkdtempSync, rmSync } from "node:fs";
import process from "node:process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  closePipeline,
  generateLanding,
  hoursBetween,
  ONLINE_RETAIL_HOURS,
  openPipeline,
  type Pipeline,
  runHour,
  runHours,
  sessionizeSql,
  sessionRowsSql,
} from "clickstream/marketing";

/** Monday to Sunday, hour by hour; the two histories before it end with the Sunday before. */
const WEEK = { from: "20110404_00", to: "20110410_23" } as const;
const HISTORIES = { short: "20110401_00", long: "20110302_00" } as const;

const [hits = 1_000_000] = Deno.args.map(Number);
const home = mkdtempSync(join(tmpdir(), "bench-marketing-"));
const short = await openPipeline({ home: join(home, "short") });
const long = await openPipeline({ home: join(home, "long") });
try {
  console.log("| what | measured | target |\n| --- | ---: | ---: |");
  await onePass(short, `floor(i / 7)::BIGINT`, "seven hits a session");
  await onePass(short, `i`, "a hit a session");
  await hourByHour();
} finally {
  await closePipeline(short);
  await closePipeline(long);
  rmSync(home, { recursive: true, force: true });
}
Deno.exit(0);

/** Sessions of hits in memory, and the sale that each led to, in the engine that the steps use. */
async function onePass({ connection }: Pipeline, visit: string, what: string): Promise<void> {
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE hits AS SELECT
       TIMESTAMP '2010-12-01' + to_seconds(hash(${visit}) % 31536000 + i % 7 * 90) AS ts,
       '10.0.0.' || (hash(${visit}, 1) % 4 + 1) AS ip,
       'http://shop.example/' || hash(i, 2) % 50 AS url,
       (hash(${visit}, 3) % 4372)::VARCHAR AS userid, 'London' AS city, 'UK' AS country,
       'England' AS state, '20101201_00' AS date_ts FROM range(${hits}) r(i);
     CREATE OR REPLACE TEMP TABLE sales AS SELECT (hash(i, 4) % 4372)::VARCHAR AS userid,
       TIMESTAMP '2010-12-01' + to_seconds(hash(i, 5) % 31536000) AS t FROM range(541909) r(i)`,
  );
  const [started, before] = [performance.now(), process.cpuUsage()];
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE session_hits AS ${sessionizeSql("hits")};
     CREATE OR REPLACE TEMP TABLE sessions AS ${sessionRowsSql("session_hits")};
     CREATE OR REPLACE TEMP TABLE mapped AS SELECT sales.*,
       CASE WHEN t < end_ts + INTERVAL 30 MINUTE THEN sessionid END AS sessionid
       FROM sales ASOF LEFT JOIN sessions ON sessions.userid = sales.userid AND start_ts <= t`,
  );
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(before);
  const measured = `${seconds.toFixed(2)} s (processor ${((user + system) / 1e6).toFixed(2)} s)`;
  report(`one pass over ${hits.toLocaleString("en")} hits, ${what}`, measured, "5 s");
}

async function hourByHour(): Promise<void> {
  for (const [pipeline, from] of [[short, HISTORIES.short], [long, HISTORIES.long]] as const) {
    const connection = await pipeline.lake.connect();
    const landing = { landing: pipeline.landing, truth: join(pipeline.folder, "truth") };
    await generateLanding(connection, { ...landing, from, to: WEEK.to });
    connection.closeSync();
    const history = hoursBetween(from, WEEK.from).slice(0, -1);
    for (let at = 0; at < history.length; at += 24) {
      await runHours(pipeline, history.slice(at, at + 24));
    }
  }
  const took = { short: [] as number[], long: [] as number[] };
  const before = process.cpuUsage();
  for (const hour of hoursBetween(WEEK.from, WEEK.to)) {
    took.short.push((await runHour(short, hour)).milliseconds);
    took.long.push((await runHour(long, hour)).milliseconds);
  }
  const { user, system } = process.cpuUsage(before);
  const processor = (user + system) / 1000 / (took.short.length + took.long.length);
  const mean = (of: number[]) => of.reduce((a, b) => a + b, 0) / of.length;
  const { from, to } = ONLINE_RETAIL_HOURS;
  const year = hoursBetween(from, to).length;
  const minutes = mean(took.long) * year / 60_000;
  const [early, late] = [median(took.short), median(took.long)];
  report("an hour, mean of a week", `${mean(took.long).toFixed(0)} ms`, "67 ms");
  report("of it the processor's", `${processor.toFixed(0)} ms`, "-");
  report(`${year} such hours one by one`, `${minutes.toFixed(1)} min`, "10 min");
  report("median hour, 3 days of history", `${early.toFixed(0)} ms`, "-");
  report("the same hours, 33 days of history", `${late.toFixed(0)} ms`, "-");
  report("ratio", (late / early).toFixed(2), "1.3");
}

function report(what: string, measured: string, target: string): void {
  console.log(`| ${what} | ${measured} | ${target} |`);
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
