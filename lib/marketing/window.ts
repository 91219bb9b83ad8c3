import { HOUR_MS, hourSql, parseHour } from "./hour.ts";
import { type Pipeline, rowsOf } from "./pipeline.ts";

/** A time as SQL. */
export function timeLiteral(time: Date): string {
  return `TIMESTAMP '${time.toISOString().slice(0, 23).replace("T", " ")}'`;
}

/** From a time to another, both included. */
export type Span = readonly [from: Date, to: Date];

/** The span that a query of two times tells; null when they are null. */
export async function spanOf(pipeline: Pipeline, sql: string): Promise<Span | null> {
  const [[from, to] = [null, null]] = await rowsOf(pipeline, sql) as [Date | null, Date | null][];
  // Dates hold milliseconds: the last one counts whole.
  return from === null || to === null ? null : [from, new Date(to.getTime() + 1)];
}

/** Whether one span holds another. */
export function holds(outer: Span, inner: Span): boolean {
  return outer[0] <= inner[0] && outer[1] >= inner[1];
}

/** The least span that holds both. */
export function joined(a: Span, b: Span): Span {
  return [a[0] < b[0] ? a[0] : b[0], a[1] > b[1] ? a[1] : b[1]];
}

/** The span of the days of some hours or days, by their names; null when there are none. */
export function daysSpan(names: readonly string[]): Span | null {
  const days = names.map((name) => parseHour(`${name.slice(0, 8)}_00`).getTime());
  if (days.length === 0) return null;
  return [new Date(Math.min(...days)), new Date(Math.max(...days) + 24 * HOUR_MS - 1)];
}

/** SQL condition that a column lies in a span; of no span, nothing does. */
export function withinSql(column: string, span: Span | null): string {
  if (span === null) return "false";
  return `${column} >= ${timeLiteral(span[0])} AND ${column} <= ${timeLiteral(span[1])}`;
}

/** SQL of a relation with the hours (`date_ts`) that the sessions of a relation reach into. */
export function spannedHoursSql(sessions: string): string {
  return `SELECT DISTINCT ${
    hourSql(
      "unnest(range(date_trunc('hour', start_ts), end_ts + INTERVAL 1 MICROSECOND, INTERVAL 1 HOUR))",
    )
  } FROM ${sessions}`;
}

/** SQL condition that a time lies between the first and the last of these hours. */
export function timeSql(column: string, hours: readonly string[]): string {
  const sorted = [...hours].sort();
  if (sorted.length === 0) return "false";
  const end = new Date(parseHour(sorted.at(-1)!).getTime() + HOUR_MS);
  return `${column} >= ${timeLiteral(parseHour(sorted[0]!))} AND ${column} < ${timeLiteral(end)}`;
}
