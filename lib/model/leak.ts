import type pl from "nodejs-polars";
import type { Scores } from "./scores/summary.ts";
import { trainPropensity } from "./train.ts";
import type { TrainingOptions } from "./training_options.ts";

/** Totals of the whole session, as {@link leakySql} adds them: they know how it ended. */
export const HIDDEN_ANSWERS: readonly string[] = [
  "session_events",
  "session_carts",
  "session_purchases",
];

/**
 * DuckDB SQL of training rows with totals of the product's whole session beside them: what must never
 * be done, to show what it does.
 *
 * @param rows SQL of the training rows
 * @param events a table or parenthesised query with all events
 * @param everyNth keeps about one customer in so many
 */
export function leakySql(rows: string, events: string, everyNth = 1): string {
  const keys = "user_id, user_session, product_id";
  return `with totals as (
  select ${keys}, count(*) as session_events,
    count_if(event_type = 'cart') as session_carts,
    count_if(event_type = 'purchase') as session_purchases
  from ${events} as event group by ${keys}
)
select known.*, totals.* exclude (${keys})
from (${rows}) as known join totals using (${keys})
where hash(known.user_id) % ${everyNth} = 0`;
}

/** What the same network reaches with some features. */
export interface LeakFinding {
  features: string;
  /** On test carts. */
  scores: Scores | null;
}

/**
 * Trains the same small network three times on rows of {@link leakySql}: with the totals of the whole
 * session, without its purchases, and with what was known at the moment only.
 *
 * @returns worst leak first; empty when the rows cannot carry a network
 * @throws {ModelError} the rows lack a column
 */
export async function leakStudy(
  rows: pl.DataFrame,
  options: Pick<TrainingOptions, "seed" | "drop"> = {},
): Promise<LeakFinding[]> {
  if (rows.height === 0) return [];
  const cases: [string, readonly string[]][] = [
    ["whole session with purchases", []],
    ["whole session without them", ["session_purchases"]],
    ["known at the moment", HIDDEN_ANSWERS],
  ];
  const found: LeakFinding[] = [];
  for (const [features, without] of cases) {
    const model = await trainPropensity(rows, {
      ...options,
      drop: [...options.drop ?? [], ...without],
      parameters: { width: 32, epochs: 6 },
      baselines: false,
    });
    if (model.kind === "rate") return [];
    found.push({ features, scores: model.scores.test });
  }
  return found;
}
