import type { AddFile } from "./actions.ts";
import type { Session } from "./lake.ts";
import { type Field, quoteName } from "./schema.ts";
import { isLess, statsOf, type StatValue } from "./stats.ts";

/** The least and greatest value of a key column. */
export interface KeyRange {
  key: string;
  min: StatValue;
  max: StatValue;
}

/** The ranges of the integer and text key columns of a temporary table; null when it is empty. */
export async function rangesOf(
  session: Session,
  fields: readonly Field[],
  rows: string,
  keys: readonly string[],
): Promise<KeyRange[] | null> {
  const ranged = keys.filter((key) => {
    const type = fields.find((field) => field.name === key)?.type;
    return type === "long" || type === "integer" || type === "string";
  });
  const ends = ranged.flatMap((key) => [`min(${quoteName(key)})`, `max(${quoteName(key)})`]);
  const result = await session.connection.runAndReadAll(
    `SELECT ${["count(*)", ...ends].join(", ")} FROM temp.${rows}`,
  );
  const [rowCount, ...values] = result.getRows()[0]!;
  if (Number(rowCount) === 0) return null;
  return ranged.map((key, index) => ({
    key,
    min: values[2 * index] as StatValue,
    max: values[2 * index + 1] as StatValue,
  }));
}

/** Files whose statistics allow that they hold a key within the ranges. */
export function overlapping(
  files: Iterable<AddFile>,
  ranges: readonly KeyRange[] | null,
): AddFile[] {
  if (ranges === null) return [];
  return [...files].filter((file) => ranges.every((range) => overlaps(file, range)));
}

function overlaps(file: AddFile, { key, min, max }: KeyRange): boolean {
  const { minValues, maxValues } = statsOf(file);
  const [least, greatest] = [minValues?.[key], maxValues?.[key]];
  if (least === undefined || greatest === undefined) return true;
  return !isLess(greatest, min) && !isLess(max, least);
}
