import { metricSets } from "./definition.ts";
import { type SpineJoinOptions, spineJoinSql } from "./spine.ts";

/** How {@link trainingRowsSql} finds its events and where history ends. */
export interface TrainingRowsOptions extends SpineJoinOptions {
  /** A table or parenthesised query with the historical silver events. */
  events: string;
  /** The moment history ends. */
  cutoff: Date;
  /**
   * Carts whose last event lies within this many minutes before the cutoff are left out: they may
   * still be open.
   * @default 30
   */
  openCartMinutes?: number;
}

/**
 * DuckDB SQL of the labelled spine: every event with a session, other than a purchase, strictly
 * before the first purchase of that product in that cart. `label` is 1 when such a purchase
 * follows, else 0. Nothing at or after the purchase can reach a feature, as the row's own time
 * lies before it.
 */
export function labelledEventsSql(options: TrainingRowsOptions): string {
  const { events, cutoff, openCartMinutes = 30 } = options;
  return `with events as (
  select * from ${events} where user_session is not null and event_time < ${timestampSql(cutoff)}
), bought as (
  select user_id, user_session, product_id, min(event_time) as bought_at
  from events where event_type = 'purchase'
  group by user_id, user_session, product_id
), closed as (
  select user_id, user_session from events
  group by user_id, user_session
  having max(event_time) < ${timestampSql(cutoff)} - interval '${openCartMinutes} minutes'
)
select event.user_id, event.user_session, event.product_id, event.event_time, event.event_type,
  event.category_id, event.category_code, event.brand, event.price,
  case when bought.bought_at is null then 0 else 1 end as label
from events as event
join closed using (user_id, user_session)
left join bought using (user_id, user_session, product_id)
where event.event_type <> 'purchase'
  and (bought.bought_at is null or event.event_time < bought.bought_at)`;
}

/** DuckDB SQL of the training rows: the labelled spine with all five sets as known at its times. */
export function trainingRowsSql(options: TrainingRowsOptions): string {
  return spineJoinSql(`(${labelledEventsSql(options)})`, metricSets, options);
}

/** DuckDB SQL of one row: how many carts are kept and how many are left out as still open. */
export function censoringSql(options: TrainingRowsOptions): string {
  const { events, cutoff, openCartMinutes = 30 } = options;
  return `with carts as (
  select max(event_time) as last_event from ${events} as event
  where user_session is not null and event_time < ${timestampSql(cutoff)}
  group by user_id, user_session
)
select count(*) as carts, count_if(last_event >= ${timestampSql(cutoff)}
  - interval '${openCartMinutes} minutes') as censored
from carts`;
}

/** A timestamp literal in UTC, to the millisecond. */
export function timestampSql(time: Date): string {
  return `timestamp '${time.toISOString().replace("T", " ").replace("Z", "")}'`;
}
