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
 */
export function sessionizeSql(hits: string): string {
  return `
    WITH marked AS (
      SELECT *, coalesce(ts - lag(ts) OVER visitor >= ${GAP}, true) AS opens
      FROM ${hits} AS hits WINDOW visitor AS (PARTITION BY userid, ip ORDER BY ts)),
    numbered AS (
      SELECT *, sum(opens::INTEGER) OVER (PARTITION BY userid, ip ORDER BY ts
        ROWS UNBOUNDED PRECEDING) AS number FROM marked),
    spanned AS (
      SELECT *, min(ts) OVER one AS first_ts, max(ts) OVER one AS last_ts FROM numbered
      WINDOW one AS (PARTITION BY userid, ip, number))
    SELECT ts, ip, url, userid, city, country, state, date_ts,
      md5(concat_ws(chr(9), coalesce(userid, ''), coalesce(ip, ''), epoch_us(first_ts))) AS sessionid,
      date_diff('second', first_ts, last_ts) AS "sessionDuration"
    FROM spanned`;
}

/**
 * SQL of a row a session, from its hits. Where hits of one moment differ, the least value counts,
 * so that no order of arrival matters.
 *
 * @param hits relation with the columns of `processed.omniture`
 */
export function sessionRowsSql(hits: string): string {
  const first = (column: string) => `min({t: ts, v: ${column}}).v AS ${column}`;
  return `
    SELECT sessionid, min(userid) AS userid, min(ip) AS ip, min(ts) AS start_ts, max(ts) AS end_ts,
      date_diff('second', min(ts), max(ts)) AS "sessionDuration", count(*) AS hits,
      count(DISTINCT url) AS pages, min({t: ts, v: url}).v AS landing_url,
      max({t: ts, v: url}).v AS exit_url, ${first("city")}, ${first("country")}, ${first("state")},
      strftime(min(ts), '%Y%m%d_%H') AS date_ts
    FROM ${hits} AS hits GROUP BY sessionid`;
}
