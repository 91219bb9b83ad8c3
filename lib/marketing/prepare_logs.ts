import { hoursSql } from "./hour.ts";
import { stagedColumn } from "./omniture.ts";
import { listOf, type Pipeline, read, replaceWhere, rowsOf, stage, type Unit } from "./pipeline.ts";
import { GAP, sessionizeSql, sessionRowsSql, withSpansSql } from "./sessionize.ts";
import { columnsOf, hitsSql } from "./tables.ts";
import { holds, joined, type Span, spannedHoursSql, spanOf, timeSql, withinSql } from "./window.ts";

const HITS = "ts, ip, url, userid, city, country, state, date_ts";

/**
 * Step 2: gives the unit's hits their sessions. Sessions of earlier hours that a hit goes on with,
 * joins or begins earlier are counted anew from all their hits, so hours one by one, in any order,
 * give what one pass over all gives. Writes `processed.omniture` and `warehouse.sessions`.
 */
export async function prepareLogs(pipeline: Pipeline, unit: Unit): Promise<void> {
  await sessionizeUnit(pipeline, unit);
  await writeSessions(pipeline, unit);
}

/** Writes the hits of every session that the unit has a hit in, with the session's id. */
async function sessionizeUnit(pipeline: Pipeline, unit: Unit): Promise<void> {
  const inUnit = hoursSql(unit.hours);
  const hits = unit.brought === null
    ? hitsSql(await read(pipeline, "raw.omniturelogs", inUnit))
    : hitsSql("unit.new_hits", stagedColumn);
  await stage(pipeline, "hits", hits);
  const others = await stageTouched(pipeline, unit, inUnit);
  const affected = hoursSql([...unit.hours, ...others]);
  await stage(
    pipeline,
    "there",
    `SELECT * FROM ${await read(pipeline, "processed.omniture", affected)}
     WHERE NOT (${inUnit})`,
  );
  await stage(
    pipeline,
    "session_hits",
    sessionizeSql(
      `(SELECT ${HITS} FROM unit.hits UNION ALL
        SELECT ${HITS} FROM unit.there SEMI JOIN unit.touched USING (sessionid))`,
    ),
  );
  const columns = columnsOf("processed.omniture");
  await stage(
    pipeline,
    "omniture_hours",
    `SELECT ${columns} FROM unit.session_hits UNION ALL
     SELECT ${columns} FROM unit.there ANTI JOIN unit.touched USING (sessionid)`,
  );
  replaceWhere(pipeline, "processed.omniture", "omniture_hours", affected);
  unit.made.add("session_hits");
}

/**
 * Finds the sessions there are that the unit's hits belong to or have changed: `unit.touched`, and
 * their hits in `unit.near`. What is looked at grows until it holds these sessions whole.
 *
 * @returns the hours that their hits are in
 */
async function stageTouched(pipeline: Pipeline, unit: Unit, inUnit: string): Promise<string[]> {
  const known = unit.brought === null ? inUnit : "false";
  // Two hours back hold nearly all sessions whole, so that one look is enough.
  let span = await spanOf(
    pipeline,
    `SELECT min(ts) - INTERVAL 2 HOUR, max(ts) + ${GAP} FROM unit.hits`,
  );
  for (;;) {
    const near = span === null ? known : `(${withinSql("ts", span)}) OR ${known}`;
    await stage(
      pipeline,
      "near",
      `SELECT sessionid, "sessionDuration" AS seconds, ts, userid, ip, date_ts
       FROM ${await read(pipeline, "processed.omniture", near)}`,
    );
    await stage(
      pipeline,
      "touched",
      `SELECT DISTINCT sessionid FROM unit.near WHERE ${known} UNION
       SELECT near.sessionid FROM unit.near AS near JOIN unit.hits AS hits
         ON near.userid IS NOT DISTINCT FROM hits.userid AND near.ip IS NOT DISTINCT FROM hits.ip
         AND near.ts > hits.ts - ${GAP} AND near.ts < hits.ts + ${GAP}`,
    );
    const [[from, to, hours] = []] = await rowsOf(
      pipeline,
      `SELECT min(ts - to_seconds(seconds)), max(ts + to_seconds(seconds)), list(DISTINCT date_ts)
       FROM unit.near SEMI JOIN unit.touched USING (sessionid)`,
    ) as [Date | null, Date | null, string[] | null][];
    if (!from || !to) return [];
    const needed: Span = [from, new Date(to.getTime() + 1)];
    if (span !== null && holds(span, needed)) return hours ?? [];
    span = span === null ? needed : joined(span, needed);
  }
}

/** Writes the rows of the unit's sessions, and takes out those that have become part of others. */
async function writeSessions(pipeline: Pipeline, unit: Unit): Promise<void> {
  await stageSessionRows(pipeline, unit);
  const spanned = await listOf(pipeline, spannedHoursSql("unit.session_rows"));
  const hours = [...unit.hours, ...spanned];
  const affected = hoursSql(hours);
  const there = await read(pipeline, "warehouse.sessions", affected);
  // A run before this one may have written the hits and not the sessions: then only hits tell.
  const alive = unit.brought === null
    ? `SEMI JOIN ${await read(pipeline, "processed.omniture", timeSql("ts", hours))} AS hits`
    : "ANTI JOIN unit.touched";
  const columns = columnsOf("warehouse.sessions");
  await stage(
    pipeline,
    "session_hours",
    `SELECT ${columns} FROM unit.session_rows UNION ALL
     SELECT ${columns} FROM ${there} ANTI JOIN unit.session_rows USING (sessionid)
     ${alive} USING (sessionid)`,
  );
  replaceWhere(pipeline, "warehouse.sessions", "session_hours", affected);
}

/** Makes `unit.session_hits`, all hits of the unit's sessions, and `unit.session_rows`. */
export async function stageSessionRows(pipeline: Pipeline, unit: Unit): Promise<void> {
  if (unit.made.has("session_rows")) return;
  if (!unit.made.has("session_hits")) {
    await stage(
      pipeline,
      "hits",
      `SELECT NULL::TIMESTAMP AS ts, NULL::VARCHAR AS userid,
      NULL::VARCHAR AS ip WHERE false`,
    );
    await stageTouched(pipeline, unit, hoursSql(unit.hours));
    const hours = await listOf(pipeline, "SELECT DISTINCT date_ts FROM unit.near");
    const whole = await read(pipeline, "processed.omniture", hoursSql(hours));
    await stage(
      pipeline,
      "session_hits",
      withSpansSql(`(SELECT * FROM ${whole} SEMI JOIN unit.touched USING (sessionid))`),
    );
    unit.made.add("session_hits");
  }
  await stage(pipeline, "session_rows", sessionRowsSql("unit.session_hits"));
  unit.made.add("session_rows");
}
