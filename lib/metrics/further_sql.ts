import type { Further, MetricSet } from "./definition.ts";

/**
 * SQL of a {@link Further} column in the steps of counting, in words that DuckDB and Spark share.
 * Running values may use the windows `so_far` and `before` (without the moment itself) over a
 * key's moments.
 */
export interface FurtherSql {
  name: string;
  /** Over the events of one key and moment. */
  perMoment?: string;
  /** Over a key's moments up to each. */
  running: string;
  /** Over a key's moments, once {@link running} was put into their place where `needsOrder` says so. */
  total: string;
  needsOrder?: boolean;
}

/** Prices are summed in whole ten-thousandths: exact in a double, whatever the order. */
export const TOTAL_UNITS = 10_000;

/** SQL of the set's further columns, in their order. */
export function furtherSql(set: MetricSet, time: string): FurtherSql[] {
  return set.further.map((further) => ({ name: further.name, ...stepsOf(further, time) }));
}

function stepsOf(further: Further, time: string): Omit<FurtherSql, "name"> {
  const { name } = further;
  switch (further.kind) {
    case "first_time":
      return { running: `min(${time}) over so_far`, total: `min(${time})` };
    case "previous_time":
      return { running: `max(${time}) over before`, total: `max(${name})`, needsOrder: true };
    case "latest":
      return { perMoment: `max(${further.of})`, running: name, total: `max_by(${name}, ${time})` };
    case "total": {
      const units = `round(${further.of} * ${TOTAL_UNITS})`;
      const whole = (sum: string) => `coalesce(${sum}, 0) / cast(${TOTAL_UNITS} as double)`;
      return {
        perMoment: `sum(case when event_type = '${further.eventType}' then ${units} end)`,
        running: whole(`sum(${name}) over so_far`),
        total: whole(`sum(${name})`),
      };
    }
    case "distinct": // `name` holds the values that are new at the moment
      return {
        running: `cast(coalesce(sum(${name}) over so_far, 0) as bigint)`,
        total: `cast(coalesce(sum(${name}), 0) as bigint)`,
      };
  }
}

/** Common table expressions of the set's `distinct` columns, and the relations they make. */
export interface DistinctSql {
  ctes: string[];
  /** Further ones, for {@link kept}. */
  keptCtes: string[];
  /** How many values are new, by key and moment. */
  newAtMoment: string[];
  /** Which values there are, by key, as the text of a sorted array. */
  kept: string[];
}

/**
 * SQL that finds when each distinct value first came. Only events of the wanted type are grouped,
 * so it costs little where those are few.
 *
 * @param moment SQL of an event's moment
 * @param events the relation to count, with its condition
 */
export function distinctSql(
  set: MetricSet,
  time: string,
  moment: string,
  events: (condition: string) => string,
): DistinctSql {
  const keys = set.keys.join(", ");
  const found: DistinctSql = { ctes: [], keptCtes: [], newAtMoment: [], kept: [] };
  for (const further of set.further) {
    if (further.kind !== "distinct") continue;
    const { name, of, eventType, keptAs } = further;
    found.ctes.push(
      `first_${name} as (
  select ${keys}, ${of} as value, min(${moment}) as ${time}
  from ${events(`event_type = '${eventType}'`)}
  group by ${keys}, ${of}
)`,
      `new_${name} as (
  select ${keys}, ${time}, count(*) as ${name} from first_${name} group by ${keys}, ${time}
)`,
    );
    found.keptCtes.push(
      `kept_${name} as (
  select ${keys}, cast(array_sort(array_agg(value)) as string) as ${keptAs}
  from first_${name} group by ${keys}
)`,
    );
    found.newAtMoment.push(`new_${name}`);
    found.kept.push(`kept_${name}`);
  }
  return found;
}
