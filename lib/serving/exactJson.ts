// Not in TypeScript's libraries yet.
const json = JSON as unknown as {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context?: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
};

const LONG_INTEGER = /(?:^|[[,:\s-])\d{16,}/;
const INTEGER = /^-?\d{1,40}$/;

/**
 * Parses JSON without rounding: an integer literal outside ±2^53 becomes a bigint, all else is as
 * `JSON.parse` gives it. Text without long integers takes the fast path.
 *
 * @throws {SyntaxError} the text is not JSON
 * @throws {RangeError} the text nests too deeply
 */
export function parseExact(text: string): unknown {
  return LONG_INTEGER.test(text) ? json.parse(text, exactNumber) : JSON.parse(text);
}

function exactNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  return INTEGER.test(source) ? BigInt(source) : value;
}

/** A value to hand to `JSON.stringify`: a bigint becomes an integer literal with all its digits. */
export function exactCell(value: unknown): unknown {
  return typeof value === "bigint" ? json.rawJSON(String(value)) : value;
}
