import { isObject, type Json } from "../json.ts";

/** A value of an expression; undefined where the service says undefined. */
export type Value = Json | undefined;

const RANKS: Record<string, number> = { undefined: 0, null: 1, boolean: 2, number: 3, string: 4 };

/** Place of a value's type in the service's order over types. */
export function rankOf(value: Value): number {
  if (value === null) return 1;
  if (Array.isArray(value)) return 5;
  return RANKS[typeof value] ?? 6;
}

/** Order over all values: by type, then within it. Negative, 0 or positive. */
export function compareValues(a: Value, b: Value): number {
  const rank = rankOf(a) - rankOf(b);
  if (rank !== 0) return rank;
  switch (typeof a) {
    case "boolean":
    case "number":
      return Number(a) - Number(b);
    case "string":
      return compareTexts(a, b as string);
    case "object":
      return compareTexts(canonical(a), canonical(b as Json));
  }
  return 0;
}

/** Equality as `=` means it: same type, same content, whatever the order of properties. */
export function equalValues(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  return canonical(a) === canonical(b);
}

/** JSON with sorted property names: the same for equal values. */
export function canonical(value: Value): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
  return JSON.stringify(
    value,
    (_, inner) =>
      isObject(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => compareTexts(a, b)))
        : inner,
  ) ?? "undefined";
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
