import { counters, type MetricSet, needsSession, ratios, timeColumn } from "./definition.ts";

/**
 * SQL of a set's whole history: a row per key and moment (`event` grain) or per key and day with
 * events (`day` grain), with the cumulative counts up to and including it. The text uses only what
 * DuckDB and Spark SQL share, and runs unchanged on both.
 *
 * Counting per key and moment first, then cumulating those few rows, is what makes it fast.
 *
 * @param set the metric set
 * @param events a table, view or parenthesised query with the silver columns
 */
export function historySql(set: MetricSet, events: string): string {
  const keys = set.keys.join(", ");
  const time = timeColumn(set);
  const latest = set.latest.map((l) => `, ${l.name}`).join("");
  const running = counters.map((c) => `cast(sum(${c.name}) over so_far as bigint) as ${c.name}`);
  return `with ${perMoment(set, events)}, running as (
  select ${keys}, ${time},
    ${running.join(",\n    ")}${latest}
  from per_moment
  window so_far as (partition by ${keys} order by ${time}
    rows between unbounded preceding and current row)
)
select ${keys}, ${time}, ${metricsSql}${latest}
from running`;
}

/**
 * SQL of a set's current values: one row per key over all the given events, with `event_time` the
 * newest moment (of the last event, or the midnight after the last day with events).
 *
 * @param set the metric set
 * @param events a table, view or parenthesised query with the silver columns
 */
export function currentSql(set: MetricSet, events: string): string {
  const keys = set.keys.join(", ");
  const time = timeColumn(set);
  const totals = counters.map((c) => `cast(sum(${c.name}) as bigint) as ${c.name}`);
  const newest = set.latest.map((l) => `,\n    max_by(${l.name}, ${time}) as ${l.name}`).join("");
  return `with ${perMoment(set, events)}, totals as (
  select ${keys}, max(${time}) as event_time,
    ${totals.join(",\n    ")}${newest}
  from per_moment
  group by ${keys}
)
select ${keys}, event_time, ${metricsSql}${set.latest.map((l) => `, ${l.name}`).join("")}
from totals`;
}

/** A common table expression: the counts of each key in each of its moments. */
function perMoment(set: MetricSet, events: string): string {
  const keys = set.keys.join(", ");
  const moment = set.grain === "event"
    ? "event_time"
    : "date_trunc('day', event_time) + interval '1 day'";
  const counts = counters.map((c) =>
    c.eventType === null
      ? `count(*) as ${c.name}`
      : `cast(sum(case when event_type = '${c.eventType}' then 1 else 0 end) as bigint) as ${c.name}`
  );
  const latest = set.latest.map((l) => `max(${l.column}) as ${l.name}`);
  return `per_moment as (
  select ${keys}, ${moment} as ${timeColumn(set)},
    ${[...counts, ...latest].join(",\n    ")}
  from ${events} as history${needsSession(set) ? "\n  where user_session is not null" : ""}
  group by ${keys}, ${moment}
)`;
}

/** The ten metric columns, from the counters of a row. */
const metricsSql = [
  ...counters.map((c) => c.name),
  ...ratios.map((r) => `cast(${r.numerator} as double) / nullif(${r.denominator}, 0) as ${r.name}`),
].join(", ");
