import { hoursSql } from "./hour.ts";
import { listOf, type Pipeline, read, replaceWhere, stage, type Unit } from "./pipeline.ts";
import { stageSessionRows } from "./prepare_logs.ts";
import { stageSales } from "./prepare_sales.ts";
import { GAP } from "./sessionize.ts";
import { columnsOf } from "./tables.ts";
import {
  holds,
  joined,
  type Span,
  spannedHoursSql,
  spanOf,
  timeLiteral,
  withinSql,
} from "./window.ts";

/**
 * Step 4: gives each invoice line the session it was bought in: that of the same user with
 * start <= time < end + 30 minutes; of several the one that started last, then the one with the
 * smallest id. Writes `warehouse.session_mapped` (every session, with its lines or with nulls) and
 * `warehouse.unmapped_sales` (the lines without a session).
 */
export async function mapSessions(pipeline: Pipeline, unit: Unit): Promise<void> {
  await stageMapping(pipeline, unit);
  await writeMapped(pipeline, unit);
  await writeUnmapped(pipeline, unit);
}

/** Who a session or line belongs to: a user, or for sessions without one, an ip. */
const VISITOR = "coalesce('user ' || userid, 'ip ' || coalesce(ip, ''))";

/**
 * Makes `unit.sessions_now`, the sessions around what the unit brought; of these `unit.emitted`,
 * whose mapping may have changed; and `unit.lines`, all lines that may belong to them, each with
 * its session or null.
 */
export async function stageMapping(pipeline: Pipeline, unit: Unit): Promise<void> {
  if (unit.made.has("lines")) return;
  await stageSessionRows(pipeline, unit);
  await stageSales(pipeline, unit);
  await stage(
    pipeline,
    "windows",
    `SELECT visitor, min(lo) AS lo, max(hi) AS hi FROM (
       SELECT ${VISITOR} AS visitor, start_ts AS lo, end_ts + ${GAP} AS hi FROM unit.session_rows
       UNION ALL SELECT 'user ' || userid, InvoiceDate, InvoiceDate FROM unit.sales
       WHERE userid IS NOT NULL) GROUP BY visitor`,
  );
  const usersSpan = await stageSessionsAround(pipeline);
  await stage(pipeline, "lines", linesSql(await linesAround(pipeline, usersSpan)));
  unit.made.add("lines");
}

/**
 * Sessions that overlap a window of their visitor, and those beside them that share a line.
 *
 * @returns the span that lines of their users can lie in
 */
async function stageSessionsAround(pipeline: Pipeline): Promise<Span | null> {
  let span = await spanOf(pipeline, "SELECT min(lo), max(hi) FROM unit.windows");
  for (;;) {
    const where = span === null
      ? "false"
      : `start_ts <= ${timeLiteral(span[1])} AND end_ts >= ${timeLiteral(span[0])} - ${GAP}`;
    const sessions = await read(pipeline, "warehouse.sessions", where);
    await stage(
      pipeline,
      "sessions_now",
      `SELECT *, ${VISITOR} AS visitor FROM ${sessions}
       WHERE ${VISITOR} IN (SELECT visitor FROM unit.windows)`,
    );
    await stage(
      pipeline,
      "emitted",
      `SELECT sessions.* FROM unit.sessions_now AS sessions JOIN unit.windows AS windows
         USING (visitor) WHERE start_ts <= hi AND end_ts + ${GAP} > lo`,
    );
    await stage(
      pipeline,
      "reach",
      `SELECT visitor, least(min(lo), min(start_ts)) AS lo,
         greatest(max(hi), max(end_ts) + ${GAP}) AS hi
       FROM unit.windows LEFT JOIN unit.emitted USING (visitor) GROUP BY visitor`,
    );
    // A session may reach further than what the unit brought: its other lines lie there.
    const reached = await spanOf(pipeline, "SELECT min(lo), max(hi) FROM unit.reach");
    if (span === null || reached === null || holds(span, reached)) {
      return await spanOf(pipeline, `SELECT min(lo), max(hi) FROM ${USERS_REACH}`);
    }
    span = joined(span, reached);
  }
}

const USERS_REACH = "unit.reach WHERE visitor LIKE 'user %'";

/** Relation of the lines that lie around the emitted sessions of their user. */
async function linesAround(pipeline: Pipeline, span: Span | null): Promise<string> {
  const sales = await read(pipeline, "processed.sales", withinSql("InvoiceDate", span));
  return `(SELECT sales.* FROM ${sales} AS sales JOIN (SELECT * FROM ${USERS_REACH}) AS reach
    ON reach.visitor = 'user ' || sales.userid AND InvoiceDate BETWEEN lo AND hi)`;
}

/** The lines with their session. Lines of one user and moment share it, so moments are matched. */
function linesSql(lines: string): string {
  return `
    WITH lines AS (SELECT * FROM ${lines}),
    moments AS (SELECT DISTINCT userid, InvoiceDate AS t FROM lines),
    candidates AS (
      SELECT moments.userid, t, sessionid, row_number() OVER (PARTITION BY moments.userid, t
        ORDER BY start_ts DESC, sessionid) AS choice
      FROM moments JOIN unit.sessions_now AS sessions ON sessions.userid = moments.userid
        AND start_ts <= t AND t < end_ts + ${GAP}),
    chosen AS (SELECT userid, t, sessionid FROM candidates WHERE choice = 1)
    SELECT lines.*, chosen.sessionid FROM lines LEFT JOIN chosen
      ON chosen.userid = lines.userid AND chosen.t = lines.InvoiceDate`;
}

const LINE_COLUMNS = `InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice,
  CustomerID, lines.Country AS "sale_Country", amount, kind, source_file AS sale_source_file,
  line AS sale_line, lines.date_ts AS sale_date_ts`;

/** Replaces the emitted sessions, and whatever is there of sessions that are no more. */
async function writeMapped(pipeline: Pipeline, unit: Unit): Promise<void> {
  const spanned = await listOf(pipeline, spannedHoursSql("unit.emitted"));
  const affected = hoursSql([...unit.hours, ...spanned]);
  const there = await read(pipeline, "warehouse.session_mapped", affected);
  // A run before this one may have written the sessions and not the mapping: then only they tell.
  const alive = unit.brought === null
    ? `SEMI JOIN ${await read(pipeline, "warehouse.sessions", affected)} AS sessions`
    : "ANTI JOIN unit.touched";
  await stage(
    pipeline,
    "mapped_hours",
    `SELECT ${columnsOf("warehouse.sessions", "emitted.")}, ${LINE_COLUMNS}
     FROM unit.emitted AS emitted LEFT JOIN unit.lines AS lines USING (sessionid)
     UNION ALL SELECT ${columnsOf("warehouse.session_mapped")} FROM ${there}
     ANTI JOIN unit.emitted USING (sessionid) ${alive} USING (sessionid)`,
  );
  replaceWhere(pipeline, "warehouse.session_mapped", "mapped_hours", affected);
}

/** Replaces the lines looked at by those of them without a session; lines without a user stay. */
async function writeUnmapped(pipeline: Pipeline, unit: Unit): Promise<void> {
  const delivered = await listOf(pipeline, "SELECT DISTINCT date_ts FROM unit.lines");
  if (delivered.length === 0 && unit.brought?.sales === 0) return;
  const affected = hoursSql([...unit.hours, ...delivered]);
  const there = await read(pipeline, "warehouse.unmapped_sales", affected);
  const columns = columnsOf("warehouse.unmapped_sales");
  await stage(
    pipeline,
    "unmapped_hours",
    `SELECT ${columns} FROM unit.lines WHERE sessionid IS NULL
     UNION ALL SELECT ${columns} FROM unit.sales WHERE userid IS NULL
     UNION ALL SELECT ${columns} FROM ${there} AS there WHERE NOT (${hoursSql(unit.hours)})
     AND NOT EXISTS (SELECT 1 FROM unit.lines AS lines
       WHERE lines.source_file = there.source_file AND lines.line = there.line)`,
  );
  replaceWhere(pipeline, "warehouse.unmapped_sales", "unmapped_hours", affected);
}
