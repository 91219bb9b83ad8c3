import type { StartPosition } from "./cursor.ts";
import type { Terminus } from "./rhea.ts";

const SELECTOR = "apache.org:selector-filter:string";
const EXPRESSION =
  /^\s*amqp\.annotation\.x-opt-(offset|sequence-number|enqueued-time(?:-utc)?)\s*(>=?)\s*'?([^'\s]*)'?\s*$/;

/**
 * Where a receiver wants to begin, from the filter of its source. Without a filter it is given the
 * partition from its beginning.
 *
 * @returns null when the filter says nothing the service understands
 */
export function startPosition(source: Terminus | null | undefined): StartPosition | null {
  const text = selectorText(source);
  if (text === undefined) return { kind: "earliest" };
  const match = EXPRESSION.exec(text);
  if (match === null) return null;
  const [, property, operator, value] = match;
  if (value === "-1" && property !== "enqueued-time") return { kind: "earliest" };
  if (value === "@latest") return { kind: "latest" };
  const number = Number(value);
  if (value === "" || !Number.isSafeInteger(number)) return null;
  const kind = property === "offset"
    ? "offset"
    : property === "sequence-number"
    ? "sequence"
    : "time";
  return { kind, value: number, inclusive: operator === ">=" };
}

function selectorText(source: Terminus | null | undefined): string | undefined {
  const filter = source?.filter?.[SELECTOR];
  if (filter === undefined || filter === null) return undefined;
  if (typeof filter === "string") return filter;
  const { value } = filter;
  return typeof value === "string" ? value : String(value);
}
