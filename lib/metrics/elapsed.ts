import { type Elapsed, joinedName, type MetricSet, metricSets } from "./definition.ts";

/**
 * DuckDB SQL of an {@link Elapsed} value.
 *
 * @param alias relation that holds the set's times
 * @param moment SQL of the moment
 */
export function elapsedSql(elapsed: Elapsed, alias: string, moment: string): string {
  const earlier = elapsed.since.map((time) =>
    `when ${alias}.${time} < ${moment} then ${alias}.${time}`
  );
  return `(epoch_us(${moment}) - epoch_us(case ${earlier.join(" ")} end)) / 1e6`;
}

/**
 * An {@link Elapsed} value: the same as {@link elapsedSql}'s.
 *
 * @param timeOf a time of the set by column name, microseconds since 1970; null where there is none
 * @param moment microseconds since 1970
 * @returns seconds; null when no event lies strictly before the moment
 */
export function elapsedSeconds(
  elapsed: Elapsed,
  timeOf: (column: string) => number | null,
  moment: number,
): number | null {
  for (const column of elapsed.since) {
    const time = timeOf(column);
    if (time !== null && time < moment) return (moment - time) / 1e6;
  }
  return null;
}

/** Names of the times that the set's elapsed values are made of. */
export function elapsedTimes(set: MetricSet): string[] {
  return [...new Set(set.elapsed.flatMap((elapsed) => elapsed.since))];
}

/**
 * The elapsed features of all sets at a moment (`cart__seconds_since_last_event`, …), for serving.
 *
 * @param features served values by joined name, among them the sets' times (`cart__event_time`, …)
 *   in microseconds since 1970; absent or null where there is none
 * @param moment microseconds since 1970; null when no moment is known, and then nothing is
 */
export function elapsedFeatures(
  features: Readonly<Record<string, unknown>>,
  moment: number | null,
): Record<string, number | null> {
  const found: Record<string, number | null> = {};
  for (const set of metricSets) {
    const timeOf = (column: string) => (features[joinedName(set, column)] ?? null) as number | null;
    for (const elapsed of set.elapsed) {
      found[joinedName(set, elapsed.name)] = moment === null
        ? null
        : elapsedSeconds(elapsed, timeOf, moment);
    }
  }
  return found;
}
