/**
 * Parses JSON without rounding: an integer outside ±2^53 becomes a bigint, everything else is as
 * `JSON.parse` gives it.
 *
 * @throws {SyntaxError} when the text is not JSON
 */
export function parseExact(text: string): unknown {
  return JSON.parse(text, exactNumber);
}

function exactNumber(_key: string, value: unknown, context?: { source: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  return /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** Text of a value as JSON, with bigints as integer literals. */
export function stringifyExact(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, inner) => typeof inner === "bigint" ? rawNumber(inner) : inner,
  );
}

/** A JSON number written exactly as the text says. */
export function rawNumber(value: bigint | string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value));
}
