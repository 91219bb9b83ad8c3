import { hourSql } from "./hour.ts";
import { stageMapping } from "./map_sessions.ts";
import { listOf, type Pipeline, read, replaceWhere, rowsOf, stage, type Unit } from "./pipeline.ts";
import { quote } from "./quote.ts";
import { columnsOf } from "./tables.ts";
import { daysSpan, withinSql } from "./window.ts";

/**
 * Step 5: ranks the users of every hour and day that the unit has sales in by what they spent in
 * sessions, cancellations and returns taken off, and keeps the hits of the first N of each. Users
 * without an id are never ranked, nor those who spent nothing on balance; of equals the smaller id
 * comes first.
 */
export async function topSpenders(pipeline: Pipeline, unit: Unit): Promise<void> {
  await stageMapping(pipeline, unit);
  const ranked = await rankSpenders(pipeline);
  await writeUsageLogs(pipeline, ranked);
}

/** SQL of a row for each of the two periods, hour and day, that a time lies in. */
function periodsSql(columns: string, time: string, from: string): string {
  return `SELECT ${columns}, 'hour' AS grain, ${hourSql(time)} AS period_ts FROM ${from}
    UNION ALL SELECT ${columns}, 'day', strftime(${time}, '%Y%m%d') FROM ${from}`;
}

/** SQL of the names of the hours and days that times lie in. */
function periodNamesSql(time: string, from: string): string {
  return `SELECT DISTINCT unnest([${hourSql(time)}, strftime(${time}, '%Y%m%d')]) FROM ${from}`;
}

function inSql(column: string, names: readonly string[]): string {
  return names.length === 0 ? "false" : `${column} IN (${names.map(quote).join(", ")})`;
}

/** Ranks anew the periods that the unit's lines lie in, and gives their names. */
async function rankSpenders(pipeline: Pipeline): Promise<string[]> {
  const periods = await listOf(pipeline, periodNamesSql("InvoiceDate", "unit.lines"));
  if (periods.length === 0) return [];
  const days = withinSql("InvoiceDate", daysSpan(periods));
  const mapped = await read(pipeline, "warehouse.session_mapped", days);
  await stage(
    pipeline,
    "ranked",
    `SELECT grain, period_ts AS date_ts, userid, sum(amount)::DECIMAL(18,2) AS daily_spend,
       row_number() OVER (PARTITION BY grain, period_ts ORDER BY sum(amount) DESC, userid) AS rank
     FROM (${periodsSql("userid, amount", "InvoiceDate", mapped)})
     WHERE ${inSql("period_ts", periods)}
     GROUP BY grain, period_ts, userid
     HAVING userid IS NOT NULL AND sum(amount) > 0
     QUALIFY rank <= ${pipeline.topSpenders}`,
  );
  const where = inSql("date_ts", periods);
  replaceWhere(pipeline, "warehouse.daily_top_spenders", "ranked", where);
  return periods;
}

/**
 * The hits of ranked users, anew for every period whose ranking or whose hits have changed.
 *
 * @param ranked names of the periods that were ranked anew
 */
async function writeUsageLogs(pipeline: Pipeline, ranked: readonly string[]): Promise<void> {
  const hit = await listOf(pipeline, periodNamesSql("ts", "unit.session_hits"));
  const touched = [...new Set([...hit, ...ranked])];
  const ranking = await read(pipeline, "warehouse.daily_top_spenders", inSql("date_ts", touched));
  await stage(
    pipeline,
    "ranked_now",
    `SELECT grain, date_ts AS period_ts, userid FROM ${ranking}`,
  );
  if (ranked.length === 0 && !await rankedUsersCame(pipeline)) return;
  const days = withinSql("ts", daysSpan(touched));
  const hits = `(SELECT * FROM ${await read(pipeline, "processed.omniture", days)}
    WHERE userid IN (SELECT userid FROM unit.ranked_now))`;
  await stage(
    pipeline,
    "usage",
    `SELECT ${columnsOf("warehouse.daily_top_spenders_usage_logs")} FROM (${
      periodsSql("*", "ts", hits)
    }) SEMI JOIN unit.ranked_now USING (grain, period_ts, userid)`,
  );
  const where = inSql("period_ts", touched);
  replaceWhere(pipeline, "warehouse.daily_top_spenders_usage_logs", "usage", where);
}

async function rankedUsersCame(pipeline: Pipeline): Promise<boolean> {
  const [[came]] = await rowsOf(
    pipeline,
    "SELECT EXISTS (SELECT 1 FROM unit.ranked_now SEMI JOIN unit.session_hits USING (userid))",
  ) as [[boolean]];
  return came;
}
