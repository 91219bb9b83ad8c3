/** A gap of so many minutes between two hits of a user and ip starts a new session. */
export const SESSION_GAP_MINUTES = 30;

/** The gap as an SQL interval. */
export const GAP = `INTERVAL ${SESSION_GAP_MINUTES} MINUTE`;

/**
 * SQL that gives every hit its session: hits of the same user and ip, none of them
 * {@link SESSION_GAP_MINUTES} or more after the one before. The id is a hash of user, ip and first
 * time, so the same hits get the same id whenever they are counted.
 *
 * @param hits relation with the columns of `raw.omniture`
 * @returns SQL of the columns of `processed.omniture`, and the session's `start_ts` and `end_ts`
 */
export function sessionizeSql(hits: string): string {
  const visitor = "PARTITION BY userid, ip ORDER BY ts";
  // By RANGE, hits of one moment see each other, in whatever order each window has them.
  return `
    WITH marked AS (
      SELECT *, coalesce(ts - lag(ts) OVER visitor >= ${GAP}, true) AS opens,
        coalesce(lead(ts) OVER visitor - ts >= ${GAP}, true) AS closes
      FROM ${hits} AS hits WINDOW visitor AS (${visitor})),
    spanned AS (
      SELECT *,
        max(CASE WHEN opens THEN ts END) OVER (${visitor} RANGE UNBOUNDED PRECEDING) AS start_ts,
        min(CASE WHEN closes THEN ts END)
          OVER (${visitor} RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS end_ts
      FROM marked)
    SELECT ts, ip, url, userid, city, country, state, date_ts,
      md5(concat_ws(chr(9), coalesce(userid, ''), coalesce(ip, ''), epoch_us(start_ts))) AS sessionid,
      date_diff('second', start_ts, end_ts) AS "sessionDuration", start_ts, end_ts
    FROM spanned`;
}

/**
 * SQL of a row a session, from its hits. Where hits of one moment differ, the least value counts,
 * for the exit the greatest, so that no order of arrival matters.
 *
 * @param hits relation with the columns that {@link sessionizeSql} gives
 */
export function sessionRowsSql(hits: string): string {
  const first = (column: string) => `min(${column}) FILTER (WHERE ts = start_ts) AS ${column}`;
  return `
    SELECT sessionid, min(userid) AS userid, min(ip) AS ip, start_ts, end_ts,
      date_diff('second', start_ts, end_ts) AS "sessionDuration", count(*) AS hits,
      count(DISTINCT url) AS pages, min(url) FILTER (WHERE ts = start_ts) AS landing_url,
      max(url) FILTER (WHERE ts = end_ts) AS exit_url, ${first("city")}, ${first("country")},
      ${first("state")}, strftime(start_ts, '%Y%m%d_%H') AS date_ts
    FROM ${hits} AS hits GROUP BY sessionid, start_ts, end_ts`;
}

/** SQL of hits with the `start_ts` and `end_ts` of the session that each has the id of. */
export function withSpansSql(hits: string): string {
  return `SELECT *, min(ts) OVER session AS start_ts, max(ts) OVER session AS end_ts
    FROM ${hits} AS hits WINDOW session AS (PARTITION BY sessionid)`;
}
