import type { Scalar } from "./functions.ts";
import type { Value } from "./values.ts";

/** Milliseconds since 1970 as ISO 8601 with seven decimals, as the service writes times. */
function toDateTime(milliseconds: Value): Value {
  if (typeof milliseconds !== "number" || Math.abs(milliseconds) > 8.64e15) return undefined;
  return new Date(milliseconds).toISOString().replace("Z", "0000Z");
}

const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,7})?)?(Z|[+-]\d\d:\d\d)?$/;

/** Milliseconds since 1970 of an ISO 8601 text; without a zone it is UTC. */
function toTimestamp(text: Value): Value {
  const zone = typeof text === "string" ? ISO.exec(text) : null;
  if (zone === null) return undefined;
  const time = Date.parse(zone[1] !== undefined && zone[3] === undefined ? `${text}Z` : `${text}`);
  return Number.isNaN(time) ? undefined : time;
}

const PARTS: Record<string, (date: Date) => number> = {
  year: (d) => d.getUTCFullYear(),
  month: (d) => d.getUTCMonth() + 1,
  day: (d) => d.getUTCDate(),
  hour: (d) => d.getUTCHours(),
  minute: (d) => d.getUTCMinutes(),
  second: (d) => d.getUTCSeconds(),
  millisecond: (d) => d.getUTCMilliseconds(),
};

const MILLIS: Record<string, number> = {
  day: 86_400_000,
  hour: 3_600_000,
  minute: 60_000,
  second: 1000,
  millisecond: 1,
};

const PART_NAMES: Record<string, string> = {
  yyyy: "year",
  yy: "year",
  mm: "month",
  m: "month",
  dd: "day",
  d: "day",
  hh: "hour",
  mi: "minute",
  n: "minute",
  ss: "second",
  s: "second",
  ms: "millisecond",
};

function partName(part: Value): string {
  const name = String(part).toLowerCase();
  return Object.hasOwn(PART_NAMES, name) ? PART_NAMES[name]! : name;
}

/** Entry of a table by a name from a query. */
function entry<T>(table: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function dateTimeAdd(part: Value, n: Value, text: Value): Value {
  const time = toTimestamp(text);
  if (typeof time !== "number" || typeof n !== "number" || !Number.isInteger(n)) return undefined;
  const date = new Date(time);
  const name = partName(part);
  const unit = entry(MILLIS, name);
  if (name === "year" || name === "month") {
    const months = name === "year" ? n * 12 : n;
    const day = date.getUTCDate();
    date.setUTCDate(1);
    date.setUTCMonth(date.getUTCMonth() + months);
    const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
    date.setUTCDate(Math.min(day, last));
  } else if (unit === undefined) return undefined;
  else date.setTime(time + n * unit);
  return toDateTime(date.getTime());
}

function dateTimeDiff(part: Value, from: Value, to: Value): Value {
  const [a, b] = [toTimestamp(from), toTimestamp(to)];
  const name = partName(part);
  const unit = entry(MILLIS, name);
  if (typeof a !== "number" || typeof b !== "number") return undefined;
  if (unit !== undefined) return Math.floor(b / unit) - Math.floor(a / unit);
  const [first, last] = [new Date(a), new Date(b)];
  const years = last.getUTCFullYear() - first.getUTCFullYear();
  if (name === "year") return years;
  return name === "month" ? years * 12 + last.getUTCMonth() - first.getUTCMonth() : undefined;
}

function dateTimeBin(text: Value, part: Value, size: Value = 1, origin?: Value): Value {
  const time = toTimestamp(text);
  const start = origin === undefined ? 0 : toTimestamp(origin);
  const unit = entry(MILLIS, partName(part));
  if (typeof time !== "number" || typeof start !== "number" || unit === undefined) return undefined;
  if (typeof size !== "number" || !Number.isInteger(size) || size < 1) return undefined;
  const bin = unit * size;
  return toDateTime(start + Math.floor((time - start) / bin) * bin);
}

function dateTimeFromParts(...parts: Value[]): Value {
  if (parts.length < 3 || !parts.every((part) => Number.isInteger(part))) return undefined;
  const [year, month, day, hour = 0, minute = 0, second = 0, ticks = 0] = parts as number[];
  const time = Date.UTC(year!, month! - 1, day, hour, minute, second, Math.floor(ticks / 10_000));
  const back = new Date(time);
  // A month 13 or a 30th of February names no day.
  if (back.getUTCMonth() !== month! - 1 || back.getUTCDate() !== day) return undefined;
  return toDateTime(time);
}

const now: Scalar = () => toDateTime(Date.now());
const ticks: Scalar = () => Date.now() * 10_000;
const timestamp: Scalar = () => Date.now();

/** Functions of time by upper-case name. Ticks are 100 ns since 1970. */
export const TIMES: Record<string, Scalar> = {
  GETCURRENTDATETIME: now,
  GETCURRENTDATETIMESTATIC: now,
  GETCURRENTTIMESTAMP: timestamp,
  GETCURRENTTIMESTAMPSTATIC: timestamp,
  GETCURRENTTICKS: ticks,
  GETCURRENTTICKSSTATIC: ticks,
  TIMESTAMPTODATETIME: toDateTime,
  DATETIMETOTIMESTAMP: toTimestamp,
  DATETIMETOTICKS: (text) => {
    const time = toTimestamp(text);
    return typeof time === "number" ? time * 10_000 : undefined;
  },
  TICKSTODATETIME: (value) => typeof value === "number" ? toDateTime(value / 10_000) : undefined,
  DATETIMEPART: (part, text) => {
    const time = toTimestamp(text);
    return typeof time === "number" ? entry(PARTS, partName(part))?.(new Date(time)) : undefined;
  },
  DATETIMEADD: dateTimeAdd,
  DATETIMEDIFF: dateTimeDiff,
  DATETIMEBIN: dateTimeBin,
  DATETIMEFROMPARTS: dateTimeFromParts,
};
