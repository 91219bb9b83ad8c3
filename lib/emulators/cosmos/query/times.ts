import type { Scalar } from "./functions.ts";
import type { Value } from "./values.ts";

/** Ticks of 100 ns, in which the service reckons time, since 1970. */
type Ticks = bigint;

const MILLISECOND: Ticks = 10_000n;
const SECOND = 1000n * MILLISECOND;
/** The years that four digits can name: 0001 to 9999. */
const [FIRST, LAST] = [-621_355_968_000_000_000n, 2_534_023_007_999_999_999n];

/** ISO 8601 with seven decimals, as the service writes times. */
function write(time: Ticks): Value {
  if (time < FIRST || time > LAST) return undefined;
  const rest = modulo(time, MILLISECOND);
  const date = new Date(Number((time - rest) / MILLISECOND));
  return date.toISOString().replace("Z", `${String(rest).padStart(4, "0")}Z`);
}

const ISO = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?)?(Z|[+-]\d\d:\d\d)?$/;

/** The moment an ISO 8601 text names; without a zone it is UTC. */
function read(text: Value): Ticks | undefined {
  const parts = typeof text === "string" ? ISO.exec(text) : null;
  if (parts === null) return undefined;
  const [, day, clock = "00:00:00", fraction = "", zone = "Z"] = parts;
  const milliseconds = Date.parse(`${day}T${clock}${zone}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * MILLISECOND + BigInt(fraction.padEnd(7, "0"));
}

/** A moment counted in steps of so many ticks, as a number gives it. */
function counted(value: Value, step: Ticks): Ticks | undefined {
  if (typeof value !== "number" || Math.abs(value) > 1e18) return undefined;
  return BigInt(Math.floor(value)) * step;
}

function modulo(a: bigint, b: bigint): bigint {
  return ((a % b) + b) % b;
}

function floorDivide(a: bigint, b: bigint): bigint {
  return (a - modulo(a, b)) / b;
}

/** Parts of one length: so many of `per` in `ticks`. */
interface Unit {
  ticks: bigint;
  per: bigint;
}

const UNITS: Record<string, Unit> = {
  day: { ticks: 86_400n * SECOND, per: 1n },
  hour: { ticks: 3600n * SECOND, per: 1n },
  minute: { ticks: 60n * SECOND, per: 1n },
  second: { ticks: SECOND, per: 1n },
  millisecond: { ticks: MILLISECOND, per: 1n },
  microsecond: { ticks: 10n, per: 1n },
  nanosecond: { ticks: 1n, per: 100n },
};

const PARTS: Record<string, (date: Date, fraction: bigint) => number> = {
  year: (date) => date.getUTCFullYear(),
  month: (date) => date.getUTCMonth() + 1,
  day: (date) => date.getUTCDate(),
  hour: (date) => date.getUTCHours(),
  minute: (date) => date.getUTCMinutes(),
  second: (date) => date.getUTCSeconds(),
  millisecond: (date) => date.getUTCMilliseconds(),
  microsecond: (_, fraction) => Number(fraction / 10n),
  nanosecond: (_, fraction) => Number(fraction * 100n),
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
  mcs: "microsecond",
  ns: "nanosecond",
};

function partName(part: Value): string {
  const name = String(part).toLowerCase();
  return Object.hasOwn(PART_NAMES, name) ? PART_NAMES[name]! : name;
}

/** Entry of a table by a name from a query. */
function entry<T>(table: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function dateTimePart(part: Value, text: Value): Value {
  const time = read(text);
  if (time === undefined) return undefined;
  const fraction = modulo(time, SECOND);
  const date = new Date(Number(floorDivide(time, MILLISECOND)));
  return entry(PARTS, partName(part))?.(date, fraction);
}

function dateTimeAdd(part: Value, n: Value, text: Value): Value {
  const time = read(text);
  if (time === undefined || typeof n !== "number" || !Number.isSafeInteger(n)) return undefined;
  const name = partName(part);
  if (name === "year") return write(addMonths(time, n * 12));
  if (name === "month") return write(addMonths(time, n));
  const unit = entry(UNITS, name);
  return unit && write(time + BigInt(n) * unit.ticks / unit.per);
}

/** The same day of another month, or its last day when that month is shorter. */
function addMonths(time: Ticks, months: number): Ticks {
  const rest = modulo(time, MILLISECOND);
  const date = new Date(Number((time - rest) / MILLISECOND));
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  const last = new Date(date);
  last.setUTCMonth(date.getUTCMonth() + 1, 0);
  date.setUTCDate(Math.min(day, last.getUTCDate()));
  return Number.isNaN(date.getTime()) ? LAST + 1n : BigInt(date.getTime()) * MILLISECOND + rest;
}

/** Boundaries of a part that lie between two moments. */
function dateTimeDiff(part: Value, from: Value, to: Value): Value {
  const [a, b] = [read(from), read(to)];
  if (a === undefined || b === undefined) return undefined;
  const name = partName(part);
  const unit = entry(UNITS, name);
  if (unit !== undefined) {
    const boundaries = (time: Ticks) => floorDivide(time * unit.per, unit.ticks);
    return Number(boundaries(b) - boundaries(a));
  }
  const [first, last] = [a, b].map((time) => new Date(Number(floorDivide(time, MILLISECOND))));
  const years = last!.getUTCFullYear() - first!.getUTCFullYear();
  if (name === "year") return years;
  return name === "month" ? years * 12 + last!.getUTCMonth() - first!.getUTCMonth() : undefined;
}

function dateTimeBin(text: Value, part: Value, size: Value = 1, origin?: Value): Value {
  const time = read(text);
  const start = origin === undefined ? 0n : read(origin);
  const unit = entry(UNITS, partName(part));
  if (time === undefined || start === undefined || unit === undefined) return undefined;
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 1) return undefined;
  const bin = BigInt(size) * unit.ticks;
  return write(time - modulo((time - start) * unit.per, bin) / unit.per);
}

function dateTimeFromParts(...parts: Value[]): Value {
  if (parts.length < 3 || !parts.every((part) => Number.isInteger(part))) return undefined;
  const [year, month, day, hour = 0, minute = 0, second = 0, ticks = 0] = parts as number[];
  const two = (part: number | undefined) => String(part).padStart(2, "0");
  const text = `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}` +
    `T${two(hour)}:${two(minute)}:${two(second)}.${String(ticks).padStart(7, "0")}Z`;
  const time = read(text);
  // Date.parse takes a 30th of February for the 1st of March.
  return time !== undefined && write(time) === text ? text : undefined;
}

const now = () => BigInt(Date.now()) * MILLISECOND;
const maybe = <T extends Value>(time: Ticks | undefined, give: (time: Ticks) => T): Value =>
  time === undefined ? undefined : give(time);

/** Functions of time by upper-case name. Ticks are 100 ns since 1970. */
export const TIMES: Record<string, Scalar> = {
  GETCURRENTDATETIME: () => write(now()),
  GETCURRENTTIMESTAMP: () => Date.now(),
  GETCURRENTTICKS: () => Number(now()),
  TIMESTAMPTODATETIME: (value) => maybe(counted(value, MILLISECOND), write),
  TICKSTODATETIME: (value) => maybe(counted(value, 1n), write),
  DATETIMETOTIMESTAMP: (text) =>
    maybe(read(text), (time) => Number(floorDivide(time, MILLISECOND))),
  DATETIMETOTICKS: (text) => maybe(read(text), Number),
  DATETIMEPART: dateTimePart,
  DATETIMEADD: dateTimeAdd,
  DATETIMEDIFF: dateTimeDiff,
  DATETIMEBIN: dateTimeBin,
  DATETIMEFROMPARTS: dateTimeFromParts,
};

/** Functions that answer the same for every row: the moment at which the query began. */
export const STATIC_TIMES: Record<string, Scalar> = {
  GETCURRENTDATETIMESTATIC: TIMES.GETCURRENTDATETIME!,
  GETCURRENTTIMESTAMPSTATIC: TIMES.GETCURRENTTIMESTAMP!,
  GETCURRENTTICKSSTATIC: TIMES.GETCURRENTTICKS!,
};
