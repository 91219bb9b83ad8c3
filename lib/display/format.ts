/** How the values of a column are written. */
export type Format =
  | "auto"
  | "integer"
  | "id"
  | "number"
  | "percent"
  | "money"
  | "bytes"
  | "duration"
  | "date"
  | "datetime"
  | { decimals: number }
  | ((value: unknown) => string);

/** What stands where a value is missing. */
export const MISSING = "–";

const ID_NAME =
  /(^|_)(id|ids|key|offset|session|sequence_number)$|(^|[a-z])Id$|^(userid|sessionid|InvoiceNo|StockCode)$/i;
const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Whether a column of this name holds identifiers, which never get thousands separators. */
export function isIdName(name: string): boolean {
  return ID_NAME.test(name);
}

/** A value in a format; `auto` goes by the value's type. Times are UTC. BigInts stay exact. */
export function formatValue(value: unknown, format: Format = "auto"): string {
  if (value === null || value === undefined) return MISSING;
  if (typeof format === "function") return format(value);
  if (typeof format === "object") return fixed(value, format.decimals);
  switch (format) {
    case "auto":
      return formatAuto(value);
    case "integer":
      return typeof value === "bigint" ? grouped(value) : fixed(value, 0);
    case "id":
      return String(value);
    case "number":
      return isNumeric(value) ? formatNumber(value) : formatAuto(value);
    case "percent":
      return isNumeric(value) ? `${fixed(Number(value) * 100, 1)} %` : String(value);
    case "money":
      return fixed(value, 2);
    case "bytes":
      return isNumeric(value) ? formatBytes(Number(value)) : String(value);
    case "duration":
      return isNumeric(value) ? formatDuration(Number(value)) : String(value);
    case "date":
      return value instanceof Date ? formatTime(value).slice(0, 10) : String(value).slice(0, 10);
    case "datetime":
      return value instanceof Date ? formatTime(value) : String(value);
  }
}

/** A number with thousands separators and four significant digits below 1,000. */
export function formatNumber(value: number | bigint): string {
  if (typeof value === "bigint") return grouped(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "-∞";
  if (Number.isInteger(value)) return grouped(value);
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e15) return value.toExponential(2);
  if (size >= 1000) return value.toLocaleString("en-US", { maximumFractionDigits: 1 });
  return value.toLocaleString("en-US", { maximumSignificantDigits: 4 });
}

/** A duration in seconds as people say it: `850 ms`, `4.2 s`, `3 min 05 s`, `2 h 07 min`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return MISSING;
  if (seconds < 0) return `-${formatDuration(-seconds)}`;
  if (seconds < 0.9995) return `${formatNumber(Number((seconds * 1000).toPrecision(3)))} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  const minutes = Math.round(whole / 60);
  return `${grouped(Math.floor(minutes / 60))} h ${pad(minutes % 60)} min`;
}

/** A number of bytes in binary units. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${grouped(value)} B` : `${value.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

/** A time in UTC without what is zero: `2020-10-01`, `2020-10-01 06:30:00`, `… 06:30:00.250`. */
export function formatTime(time: Date): string {
  if (Number.isNaN(+time)) return MISSING;
  const text = time.toISOString().replace("T", " ").replace("Z", "");
  if (text.endsWith(" 00:00:00.000")) return text.slice(0, -13);
  return text.endsWith(".000") ? text.slice(0, -4) : text;
}

function formatAuto(value: unknown): string {
  if (isNumeric(value)) return formatNumber(value);
  if (value instanceof Date) return formatTime(value);
  if (typeof value !== "object") return String(value);
  if (value instanceof Uint8Array) return `${grouped(value.length)} bytes`;
  if (writesItself(value)) return String(value);
  return JSON.stringify(value, (_, inner) => typeof inner === "bigint" ? String(inner) : inner);
}

/** Whether an object has text of its own, as DuckDB's timestamps, decimals and intervals have. */
function writesItself(value: object | null): boolean {
  return value !== null && !Array.isArray(value) && value.toString !== Object.prototype.toString;
}

function fixed(value: unknown, decimals: number): string {
  if (typeof value === "bigint" && decimals === 0) return grouped(value);
  if (!isNumeric(value)) return String(value);
  const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return new Intl.NumberFormat("en-US", digits).format(value);
}

function grouped(value: number | bigint): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
}

function isNumeric(value: unknown): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
