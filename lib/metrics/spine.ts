import {
  featureColumns,
  joinedName,
  type MetricSet,
  timeColumn,
  trainingTable,
} from "./definition.ts";
import { elapsedSql } from "./elapsed.ts";

/** How {@link spineJoinSql} finds the history of a set, and when a daily value counts as known. */
export interface SpineJoinOptions {
  /**
   * Hours after a midnight at which its daily values could first be served.
   * @default 0
   */
  availabilityDelayHours?: number;
  /**
   * Name of the table (or relation) with a set's history.
   * @default trainingTable
   */
  history?: (set: MetricSet) => string;
}

/**
 * DuckDB SQL that joins metric sets to a spine, each as it was known at the row's time: event sets
 * as of the row's `event_time` (inclusive); daily sets as of the newest midnight not after the
 * start of the row's day, less the availability delay. What the sets hold as times becomes seconds up
 * to the row's time. Missing values are null; the spine's rows are neither dropped nor multiplied.
 *
 * @param spine a table or parenthesised query with `event_time` and the sets' key columns
 * @param sets the sets to join
 */
export function spineJoinSql(
  spine: string,
  sets: readonly MetricSet[],
  options: SpineJoinOptions = {},
): string {
  const history = options.history ?? trainingTable;
  const delay = options.availabilityDelayHours ?? 0;
  const columns = sets.flatMap((set) => [
    ...featureColumns(set).map((column) => `${set.name}.${column} as ${joinedName(set, column)}`),
    ...set.elapsed.map((elapsed) =>
      `${elapsedSql(elapsed, set.name, "spine.event_time")} as ${joinedName(set, elapsed.name)}`
    ),
  ]);
  const joins = sets.map((set) => {
    const time = timeColumn(set);
    const known = set.grain === "event"
      ? "spine.event_time"
      : `date_trunc('day', spine.event_time - interval '${delay} hours')`;
    const keys = set.keys.map((key) => `spine.${key} = ${set.name}.${key}`);
    return `asof left join ${history(set)} as ${set.name}
  on ${[...keys, `${known} >= ${set.name}.${time}`].join(" and ")}`;
  });
  return `select spine.*${columns.map((c) => `,\n  ${c}`).join("")}
from ${spine} as spine
${joins.join("\n")}`;
}
