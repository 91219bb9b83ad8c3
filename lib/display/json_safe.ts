import { DisplayError } from "./errors.ts";
import { isSeries, seriesValues } from "./rows.ts";

/**
 * A copy of `value` that JSON carries without loss, for plotly and its MIME bundle: a BigInt
 * becomes a number where that is exact and a string where it is not (a list with one such id
 * becomes strings throughout, so that it stays one axis); a Date its ISO text; typed arrays and
 * polars Series arrays; NaN and infinities null.
 *
 * @throws {DisplayError} a function, a symbol or a circle, named by its place
 */
export function jsonSafe(value: unknown, place = "figure"): unknown {
  return convert(value, place, new Set());
}

function convert(value: unknown, place: string, outer: Set<object>): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value === "bigint") return isExact(value) ? Number(value) : String(value);
  if (value === undefined) return null;
  if (typeof value !== "object") {
    throw new DisplayError(`${place} is a ${typeof value}, which a chart cannot show: pass data.`);
  }
  if (value instanceof Date) return Number.isNaN(+value) ? null : value.toISOString();
  if (outer.has(value)) {
    throw new DisplayError(`${place} contains itself, which a chart cannot show: pass plain data.`);
  }
  outer.add(value);
  const safe = convertObject(value, place, outer);
  outer.delete(value);
  return safe;
}

function convertObject(value: object, place: string, outer: Set<object>): unknown {
  if (Array.isArray(value) || isTypedArray(value)) return convertList(value, place, outer);
  if (isSeries(value)) return convertList(seriesValues(value), place, outer);
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(
    entries.map(([key, inner]) => [key, convert(inner, `${place}.${key}`, outer)]),
  );
}

function convertList(list: ArrayLike<unknown>, place: string, outer: Set<object>): unknown[] {
  const items = Array.from(list);
  const asText = items.some((item) => typeof item === "bigint" && !isExact(item));
  return items.map((item, index) => {
    if (typeof item === "number") return Number.isFinite(item) ? item : null;
    if (typeof item === "bigint") return asText ? String(item) : Number(item);
    if (typeof item === "string") return item;
    return convert(item, `${place}[${index}]`, outer);
  });
}

function isTypedArray(value: object): value is ArrayLike<unknown> & object {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function isExact(value: bigint): boolean {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
}
