import { ConfigError } from "clickstream/config";

/** Milliseconds of an hour. */
export const HOUR_MS = 3_600_000;

/**
 * The start of the hour that a `date_ts` names.
 *
 * @param text `YYYYMMDD_HH`, UTC
 * @throws {ConfigError} when the text is no such hour
 */
export function parseHour(text: string): Date {
  const found = /^(\d{4})(\d\d)(\d\d)_(\d\d)$/.exec(text);
  if (found !== null) {
    const date = new Date(`${found[1]}-${found[2]}-${found[3]}T${found[4]}:00:00Z`);
    if (!Number.isNaN(date.getTime()) && formatHour(date) === text) return date;
  }
  throw new ConfigError(`«${text}» is not an hour: write it as YYYYMMDD_HH, such as 20101201_08.`);
}

/** The `date_ts` of the hour that a time lies in: `YYYYMMDD_HH`, UTC. */
export function formatHour(time: Date): string {
  const iso = time.toISOString();
  return `${iso.slice(0, 10).replaceAll("-", "")}_${iso.slice(11, 13)}`;
}

/** The hours from one to another, both included. */
export function hoursBetween(from: string, to: string): string[] {
  const hours: string[] = [];
  const last = parseHour(to).getTime();
  for (let time = parseHour(from).getTime(); time <= last; time += HOUR_MS) {
    hours.push(formatHour(new Date(time)));
  }
  return hours;
}

/** The day of an hour: `YYYYMMDD`. */
export function dayOf(hour: string): string {
  return hour.slice(0, 8);
}

/** SQL of the `date_ts` that a time lies in. */
export function hourSql(time: string): string {
  return `strftime(${time}, '%Y%m%d_%H')`;
}

const MOST_LISTED = 400;

/**
 * SQL condition that `date_ts` is among these hours. Many hours become their span, so what is
 * written for it must hold every row of that span.
 */
export function hoursSql(hours: Iterable<string>, column = "date_ts"): string {
  const sorted = [...new Set(hours)].sort();
  if (sorted.length === 0) return "false";
  if (sorted.length > MOST_LISTED) {
    return `(${column} >= '${sorted[0]}' AND ${column} <= '${sorted.at(-1)}')`;
  }
  return `${column} IN (${sorted.map((hour) => `'${hour}'`).join(", ")})`;
}
