import { hourSql } from "./hour.ts";
import { stageMapping } from "./map_sessions.ts";
import { listOf, type Pipeline, read, replaceWhere, rowsOf, stage, type Unit } from "./pipeline.ts";
import { quote } from "./quote.ts";
import { columnsOf } from "./tables.ts";
import { spanOf, withinSql } from "./window.ts";

/**
 * Step 5: ranks the users of every hour and day that the unit has sales in by what they spent in
 * sessions, cancellations and returns taken off, and keeps the hits of the first N of each. Users
 * without an id are never ranked, nor those who spent nothing on balance; of equals the smaller id
 * comes first.
 */
export async function topSpenders(pipeline: Pipeline, unit: Unit): Promise<void> {
  await stageMapping(pipeline, unit);
  await rankSpenders(pipeline);
  await writeUsageLogs(pipeline);
}

/** SQL of a row for each of the two periods, hour and day, that a time lies in. */
function periodsSql(columns: string, time: string, from: string): string {
  return `SELECT ${columns}, 'hour' AS grain, ${hourSql(time)} AS period_ts FROM ${from}
    UNION ALL SELECT ${columns}, 'day', strftime(${time}, '%Y%m%d') FROM ${from}`;
}

async function rankSpenders(pipeline: Pipeline): Promise<void> {
  await stage(
    pipeline,
    "periods",
    `SELECT DISTINCT grain, period_ts FROM (${periodsSql("1", "InvoiceDate", "unit.lines")})`,
  );
  const periods = await listOf(pipeline, "SELECT period_ts FROM unit.periods");
  if (periods.length === 0) return;
  const days = await spanOf(
    pipeline,
    `SELECT date_trunc('day', min(InvoiceDate)), date_trunc('day', max(InvoiceDate)) + INTERVAL 1 DAY
     FROM unit.lines`,
  );
  const mapped = await read(pipeline, "warehouse.session_mapped", withinSql("InvoiceDate", days));
  await stage(
    pipeline,
    "ranked",
    `SELECT grain, period_ts AS date_ts, userid, sum(amount)::DECIMAL(18,2) AS daily_spend,
       row_number() OVER (PARTITION BY grain, period_ts ORDER BY sum(amount) DESC, userid) AS rank
     FROM (${periodsSql("userid, amount", "InvoiceDate", mapped)})
     SEMI JOIN unit.periods USING (grain, period_ts)
     GROUP BY grain, period_ts, userid
     HAVING userid IS NOT NULL AND sum(amount) > 0
     QUALIFY rank <= ${pipeline.topSpenders}`,
  );
  const where = `date_ts IN (${periods.map(quote).join(", ")})`;
  await replaceWhere(pipeline, "warehouse.daily_top_spenders", "ranked", where);
}

/** The hits of ranked users, anew for every period whose ranking or whose hits have changed. */
async function writeUsageLogs(pipeline: Pipeline): Promise<void> {
  await stage(
    pipeline,
    "touched_periods",
    `SELECT DISTINCT grain, period_ts FROM (${periodsSql("1", "ts", "unit.session_hits")})
     UNION SELECT grain, period_ts FROM unit.periods`,
  );
  const touched = await listOf(pipeline, "SELECT period_ts FROM unit.touched_periods");
  const inPeriods = (column: string) =>
    touched.length === 0 ? "false" : `${column} IN (${touched.map(quote).join(", ")})`;
  await stage(
    pipeline,
    "ranked_now",
    `SELECT grain, date_ts AS period_ts, userid
     FROM ${await read(pipeline, "warehouse.daily_top_spenders", inPeriods("date_ts"))}`,
  );
  const [[changed]] = await rowsOf(
    pipeline,
    `SELECT EXISTS (FROM unit.periods) OR EXISTS (
       SELECT 1 FROM unit.ranked_now SEMI JOIN unit.session_hits USING (userid))`,
  ) as [[boolean]];
  if (!changed) return;
  const hits = await hitsOfPeriods(pipeline);
  await stage(
    pipeline,
    "usage",
    `SELECT ${columnsOf("warehouse.daily_top_spenders_usage_logs")}
     FROM (${
      periodsSql("*", "ts", hits)
    }) SEMI JOIN unit.ranked_now USING (grain, period_ts, userid)`,
  );
  const where = inPeriods("period_ts");
  await replaceWhere(pipeline, "warehouse.daily_top_spenders_usage_logs", "usage", where);
}

/** Relation of all hits of ranked users between the first and the last of the touched periods. */
async function hitsOfPeriods(pipeline: Pipeline): Promise<string> {
  const days = await spanOf(
    pipeline,
    `SELECT min(day), max(day) + INTERVAL 1 DAY
     FROM (SELECT strptime(left(period_ts, 8), '%Y%m%d') AS day FROM unit.touched_periods)`,
  );
  const hits = await read(pipeline, "processed.omniture", withinSql("ts", days));
  return `(SELECT * FROM ${hits} WHERE userid IN (SELECT userid FROM unit.ranked_now))`;
}
