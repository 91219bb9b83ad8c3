const FORM =
  /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?\s?(Z|UTC|[+-]\d\d(?::?\d\d)?)?$/;

/**
 * Reads a time in either form: `2020-09-24 11:57:06 UTC`, or ISO 8601 with `Z` or an offset.
 * A time without a zone is UTC. Digits beyond the microsecond are cut.
 *
 * @returns microseconds since 1970-01-01 UTC, or null when the text is no such time
 */
export function parseTime(text: string): bigint | null {
  const written = parseWritten(text);
  if (written !== null) return written;
  const found = FORM.exec(text);
  if (!found) return null;
  const [year, month, day] = [+found[1]!, +found[2]!, +found[3]!];
  const millis = millisOf(year, month, day, +found[4]!, +found[5]!, +found[6]!);
  if (millis === null) return null;
  const fraction = +(found[7] ?? "").slice(0, 6).padEnd(6, "0");
  return BigInt(millis) * 1000n + BigInt(fraction) - offsetMicros(found[8]);
}

const WRITTEN = "0000-00-00T00:00:00.000000Z";

/** Reads what {@link formatTime} writes by its digits, several times faster; null for anything else. */
function parseWritten(text: string): bigint | null {
  if (text.length !== WRITTEN.length) return null;
  const parts = [0, 0, 0, 0, 0, 0, 0];
  let part = 0;
  for (let i = 0; i < WRITTEN.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit >= 0 && digit <= 9 && WRITTEN[i] === "0") parts[part] = parts[part]! * 10 + digit;
    else if (text[i] === WRITTEN[i]) part += 1;
    else return null;
  }
  const [year, month, day, hour, minute, second, micros] = parts;
  const millis = millisOf(year!, month!, day!, hour!, minute!, second!);
  return millis === null ? null : BigInt(millis) * 1000n + BigInt(micros!);
}

/** Milliseconds since 1970 of a moment in UTC; null when there is no such one. */
function millisOf(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number | null {
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  // Date.UTC rolls 30 February over and takes year 50 for 1950; looking at the date catches both.
  if (date.getUTCFullYear() !== year || date.getUTCDate() !== day) return null;
  return hour > 23 || minute > 59 || second > 59 ? null : date.getTime();
}

function offsetMicros(zone: string | undefined): bigint {
  if (zone === undefined || zone === "Z" || zone === "UTC") return 0n;
  const digits = zone.slice(1).replace(":", "").padEnd(4, "0");
  const minutes = BigInt(digits.slice(0, 2)) * 60n + BigInt(digits.slice(2));
  return (zone[0] === "-" ? -minutes : minutes) * 60_000_000n;
}

/** Writes microseconds since 1970-01-01 UTC as `YYYY-MM-DDTHH:MM:SS.ffffffZ`. */
export function formatTime(micros: bigint | number): string {
  // Numbers are divided as such: tens of thousands of times are written a second.
  const [millis, rest] = typeof micros === "number" ? inMillis(micros) : inMillisExact(micros);
  return `${new Date(millis).toISOString().slice(0, -1)}${String(rest).padStart(3, "0")}Z`;
}

/** Whole milliseconds, and the microseconds beyond. */
function inMillis(micros: number): [millis: number, rest: number] {
  const millis = Math.floor(micros / 1000);
  return [millis, micros - millis * 1000];
}

/** The same of times beyond what a number holds exactly. */
function inMillisExact(micros: bigint): [millis: number, rest: number] {
  const rest = ((micros % 1000n) + 1000n) % 1000n;
  return [Number((micros - rest) / 1000n), Number(rest)];
}
