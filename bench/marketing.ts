/**
 * The marketing warehouse: `deno run -A bench/marketing.ts [HITS] [DAYS]`
 * - sessions and mapping in one pass over HITS hits (default 1,000,000) and the sales of a year;
 * - hours one by one over DAYS days (default 3): the cost of an hour, and what a year of them costs.
 */
import { mkdtempSync, rmSync } from "node:fs";
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

const [hits = 1_000_000, days = 3] = Deno.args.map(Number);

const home = mkdtempSync(join(tmpdir(), "bench-marketing-"));
const pipeline = await openPipeline({ home });
try {
  await onePass(pipeline);
  await hourByHour(pipeline);
} finally {
  await closePipeline(pipeline);
  rmSync(home, { recursive: true, force: true });
}
Deno.exit(0);

/** Sessions of hits in memory, and the sale that each led to, in the engine that the steps use. */
async function onePass({ connection }: Pipeline): Promise<void> {
  await connection.run(
    `CREATE TEMP TABLE hits AS SELECT
       TIMESTAMP '2010-12-01' + to_seconds(hash(i) % 31536000) AS ts,
       '10.0.0.' || (hash(i, 1) % 4 + 1) AS ip, 'http://shop.example/' || hash(i, 2) % 50 AS url,
       (hash(i, 3) % 4372)::VARCHAR AS userid, 'London' AS city, 'UK' AS country,
       'England' AS state, '20101201_00' AS date_ts FROM range(${hits}) r(i);
     CREATE TEMP TABLE sales AS SELECT (hash(i, 4) % 4372)::VARCHAR AS userid,
       TIMESTAMP '2010-12-01' + to_seconds(hash(i, 5) % 31536000) AS t FROM range(541909) r(i)`,
  );
  const started = performance.now();
  await connection.run(
    `CREATE TEMP TABLE session_hits AS ${sessionizeSql("hits")};
     CREATE TEMP TABLE sessions AS ${sessionRowsSql("session_hits")};
     CREATE TEMP TABLE mapped AS SELECT sales.*,
       CASE WHEN t < end_ts + INTERVAL 30 MINUTE THEN sessionid END AS sessionid FROM sales ASOF LEFT JOIN sessions
       ON sessions.userid = sales.userid AND start_ts <= t`,
  );
  const seconds = (performance.now() - started) / 1000;
  console.log(`${hits} hits to sessions and mapping in one pass: ${seconds.toFixed(2)} s`);
}

async function hourByHour(pipeline: Pipeline): Promise<void> {
  const { from, to } = ONLINE_RETAIL_HOURS;
  const year = hoursBetween(from, to);
  const hours = year.slice(0, days * 24);
  const history = year.slice(hours.length, hours.length * 11);
  const connection = await pipeline.lake.connect();
  const landing = { landing: pipeline.landing, truth: join(pipeline.folder, "truth") };
  await generateLanding(connection, { ...landing, to: history.at(-1)! });
  connection.closeSync();
  const started = performance.now();
  for (const hour of hours) await runHour(pipeline, hour);
  const each = (performance.now() - started) / hours.length;
  const all = each * year.length / 60_000;
  console.log(
    `an hour: ${each.toFixed(0)} ms; at this rate ${year.length} hours: ${all.toFixed(1)} min`,
  );
  for (let at = 0; at < history.length - 48; at += 24) {
    await runHours(pipeline, history.slice(at, Math.min(at + 24, history.length - 48)));
  }
  const early = await medianOf(pipeline, hours.slice(-48));
  const late = await medianOf(pipeline, history.slice(-48));
  const ratio = (late / early).toFixed(2);
  console.log(`median hour, ${hours.length} hours of history: ${early.toFixed(0)} ms`);
  console.log(`median hour, 11 times the history: ${late.toFixed(0)} ms; ratio ${ratio}`);
}

/** Runs hours (again) and gives the median of what they took, in milliseconds. */
async function medianOf(pipeline: Pipeline, hours: readonly string[]): Promise<number> {
  const took: number[] = [];
  for (const hour of hours) took.push((await runHour(pipeline, hour)).milliseconds);
  return took.sort((a, b) => a - b)[Math.floor(took.length / 2)]!;
}
