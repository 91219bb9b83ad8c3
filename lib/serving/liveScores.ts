import { type Lakehouse, quoteText, records, tableExists } from "clickstream/lakehouse";
import {
  bootstrapScores,
  type CalibrationBin,
  calibrationCurve,
  type Interval,
} from "clickstream/model";
import { INFERENCE_TABLE } from "./inferenceTable.ts";

/** Which rows {@link liveScores} judges. */
export interface LiveScoresOptions {
  /** Registered model. */
  model: string;
  /** Table or parenthesised query of silver events. @default electronics_events_silver */
  events?: string;
  /** A cart without an event for this many minutes, by the stream's time, is over. @default 30 */
  openCartMinutes?: number;
  /** Purchases, and moments without one, that scores need at least. @default 30 */
  fewest?: number;
}

/** How what was answered compares with what then happened. */
export interface LiveScores {
  /** Moments that were scored by keys: the same one asked again counts once. */
  scored: number;
  /** Of those, in carts that may still be open: no outcome yet. */
  open: number;
  /** Of those, in carts that are over. */
  outcomes: number;
  /** Of the outcomes, bought after the moment. */
  purchases: number;
  /** With its 95 % interval over carts. Null when there are too few outcomes, as are the next two. */
  averagePrecision: Interval | null;
  /** Mean squared error of the probabilities. */
  brier: Interval | null;
  /** Five bins of as many moments each. */
  calibration: CalibrationBin[] | null;
}

/**
 * DuckDB SQL that joins the inference log with what happened: a row for each scored moment of a
 * cart that silver knows, with its score, whether the product was bought in that cart after it, and
 * whether the cart may still be open. Where it was bought before, there was nothing to predict.
 */
export function outcomesSql(options: LiveScoresOptions): string {
  const { model, events = "electronics_events_silver", openCartMinutes = 30 } = options;
  return `with events as (
  select user_id, user_session, product_id, event_type, event_time
  from ${events} as event where user_session is not null
), carts as (
  select user_id, user_session, max(event_time) as last_event from events group by all
), bought as (
  select user_id, user_session, product_id, min(event_time) as bought_at
  from events where event_type = 'purchase' group by all
), scored as (
  select * from ${INFERENCE_TABLE}
  where score is not null and request_time is not null and user_session is not null
    and model_name = ${quoteText(model)}
  qualify row_number() over (partition by user_id, user_session, product_id, request_time
    order by received_ts desc, request_id, request_row) = 1
)
select scored.score, dense_rank() over (order by user_id, user_session) - 1 as cart,
  cast(bought_at is not null as integer) as label,
  bought_at is null and last_event > (select max(event_time) from events)
    - interval '${openCartMinutes} minutes' as open
from scored join carts using (user_id, user_session)
left join bought using (user_id, user_session, product_id)
where bought_at is null or bought_at > scored.request_time`;
}

/** Average precision and calibration of what was served, by the outcomes in silver. */
export async function liveScores(lake: Lakehouse, options: LiveScoresOptions): Promise<LiveScores> {
  const rows = await tableExists(lake, INFERENCE_TABLE)
    ? await records(lake, outcomesSql(options))
    : [];
  const over = rows.filter(({ open }) => open !== true);
  const labels = over.map(({ label }) => Number(label));
  const scores = over.map(({ score }) => Number(score));
  const purchases = labels.reduce((sum, label) => sum + label, 0);
  const { fewest = 30 } = options;
  const groups = over.map(({ cart }) => Number(cart));
  const enough = purchases >= fewest && over.length - purchases >= fewest;
  const found = enough ? bootstrapScores(labels, scores, { groups }) : null;
  return {
    scored: rows.length,
    open: rows.length - over.length,
    outcomes: over.length,
    purchases,
    averagePrecision: found?.averagePrecision ?? null,
    brier: found?.brier ?? null,
    calibration: enough
      ? calibrationCurve(labels, scores, { bins: 5, strategy: "quantile" })
      : null,
  };
}
