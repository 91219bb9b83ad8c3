import {
  counters,
  keptColumns,
  type MetricSet,
  needsSession,
  ratios,
  timeColumn,
} from "./definition.ts";
import { distinctSql, type FurtherSql, furtherSql } from "./further_sql.ts";

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
  const parts = partsOf(set, events);
  const { keys, time, further } = parts;
  const running = [
    ...counters.map((c) => `cast(sum(${c.name}) over so_far as bigint) as ${c.name}`),
    ...further.map((f) => `${f.running} as ${f.name}`),
  ];
  return `with ${parts.ctes.join(", ")}, running as (
  select ${keys}, ${time},
    ${running.join(",\n    ")}
  from ${parts.moments}${windows(parts)}
)
select ${[keys, time, metricsSql, ...further.map((f) => f.name)].join(", ")}
from running`;
}

/**
 * SQL of a set's current values: one row per key over all the given events, with `event_time` the
 * newest moment (of the last event, or the midnight after the last day with events). The set's
 * kept columns follow its further ones. This text, too, runs unchanged on DuckDB and Spark SQL.
 *
 * @param set the metric set
 * @param events a table, view or parenthesised query with the silver columns
 */
export function currentSql(set: MetricSet, events: string): string {
  const parts = partsOf(set, events);
  const { keys, time, further, kept } = parts;
  const ordered = further.filter((f) => f.needsOrder);
  const moments = ordered.length === 0 ? parts.moments : `(
    select *, ${ordered.map((f) => `${f.running} as ${f.name}`).join(", ")}
    from ${parts.moments}${windows({ ...parts, further: ordered })}
  ) as ordered`;
  const totals = [
    ...counters.map((c) => `cast(sum(${c.name}) as bigint) as ${c.name}`),
    ...further.map((f) => `${f.total} as ${f.name}`),
  ];
  const columns = [
    keys,
    "event_time",
    metricsSql,
    ...further.map((f) => f.name),
    ...keptColumns(set).map((name) => `coalesce(${name}, '[]') as ${name}`),
  ];
  return `with ${[...parts.ctes, ...parts.keptCtes].join(", ")}, totals as (
  select ${keys}, max(${time}) as event_time,
    ${totals.join(",\n    ")}
  from ${moments}
  group by ${keys}
)
select ${columns.join(", ")}
from totals${joined(kept, keys)}`;
}

/** What both texts are put together from. */
interface Parts {
  keys: string;
  time: string;
  further: FurtherSql[];
  /** Common table expressions that `moments` needs, and those that `kept` needs besides. */
  ctes: string[];
  keptCtes: string[];
  /** A relation with a row per key and moment: counts in it, and what further columns begin with. */
  moments: string;
  /** Relations with a row per key. */
  kept: string[];
}

function partsOf(set: MetricSet, events: string): Parts {
  const keys = set.keys.join(", ");
  const time = timeColumn(set);
  const moment = set.grain === "event"
    ? "event_time"
    : "date_trunc('day', event_time) + interval '1 day'";
  const session = needsSession(set) ? ["user_session is not null"] : [];
  const counted = (...conditions: string[]) => {
    const all = [...session, ...conditions];
    return `${events} as history${all.length > 0 ? `\n  where ${all.join(" and ")}` : ""}`;
  };
  const further = furtherSql(set, time);
  const values = [
    ...counters.map((c) => `${countSql(c.eventType)} as ${c.name}`),
    ...further.filter((f) => f.perMoment).map((f) => `${f.perMoment} as ${f.name}`),
  ];
  const distinct = distinctSql(set, time, moment, counted);
  const perMoment = `per_moment as (
  select ${keys}, ${moment} as ${time},
    ${values.join(",\n    ")}
  from ${counted()}
  group by ${keys}, ${moment}
)`;
  return {
    keys,
    time,
    further,
    ctes: [perMoment, ...distinct.ctes],
    keptCtes: distinct.keptCtes,
    moments: `per_moment${joined(distinct.newAtMoment, `${keys}, ${time}`)}`,
    kept: distinct.kept,
  };
}

function countSql(eventType: string | null): string {
  if (eventType === null) return "count(*)";
  return `cast(sum(case when event_type = '${eventType}' then 1 else 0 end) as bigint)`;
}

function joined(relations: readonly string[], columns: string): string {
  return relations.map((relation) => `\n  left join ${relation} using (${columns})`).join("");
}

/** The window clause, with the windows that running values use. */
function windows({ keys, time, further }: Pick<Parts, "keys" | "time" | "further">): string {
  const over = `partition by ${keys} order by ${time} rows between unbounded preceding`;
  const before = further.some((f) => f.running.includes("over before"))
    ? `,\n    before as (${over} and 1 preceding)`
    : "";
  return `\n  window so_far as (${over} and current row)${before}`;
}

/** The ten metric columns, from the counters of a row. */
const metricsSql = [
  ...counters.map((c) => c.name),
  ...ratios.map((r) => `cast(${r.numerator} as double) / nullif(${r.denominator}, 0) as ${r.name}`),
].join(", ");
