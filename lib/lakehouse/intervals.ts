import { SchemaError } from "./errors.ts";

const MILLISECONDS: Record<string, number> = {
  millisecond: 1,
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
};

/**
 * Milliseconds of a table property such as `interval 30 days`.
 *
 * @param fallback what holds when the property is not set, in the same words
 * @throws {SchemaError} when the text is not an interval
 */
export function intervalOf(
  properties: Readonly<Record<string, string>>,
  property: string,
  fallback: string,
): number {
  const text = properties[property] ?? fallback;
  const parts = [
    ...text.trim().toLowerCase().replace(/^interval\s+/, "").matchAll(
      /(\d+)\s*([a-z]+?)s?(?:\s+|$)/g,
    ),
  ];
  const known = parts.length > 0 && parts.every(([, , unit]) => MILLISECONDS[unit!] !== undefined);
  if (!known) {
    throw new SchemaError(
      `Table property ${property} is «${text}»: write it like «interval 7 days».`,
    );
  }
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * MILLISECONDS[unit!]!, 0);
}
