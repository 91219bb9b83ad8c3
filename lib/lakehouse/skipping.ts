import type { AddFile } from "./actions.ts";
import { quoteName } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";
import type { OpenSource } from "./source.ts";
import { statsOf, type StatValue } from "./stats.ts";

/**
 * Files whose statistics allow that they hold one of the keys of a temporary table: for every
 * integer or text key column, the file's range overlaps the range of the keys.
 */
export async function overlapping(
  open: OpenSource,
  snapshot: Snapshot,
  rows: string,
  keys: readonly string[],
): Promise<AddFile[]> {
  const ranged = keys.filter((key) => {
    const type = snapshot.fields.find((field) => field.name === key)?.type;
    return type === "long" || type === "integer" || type === "string";
  });
  const files = [...snapshot.files.values()];
  if (ranged.length === 0) return files;
  const ends = ranged.flatMap((key) => [`min(${quoteName(key)})`, `max(${quoteName(key)})`]);
  const result = await open.session.connection.runAndReadAll(
    `SELECT ${ends.join(", ")} FROM temp.${rows}`,
  );
  const values = result.getRows()[0]!;
  if (values[0] === null) return [];
  return files.filter((file) =>
    ranged.every((key, i) =>
      overlaps(file, key, values[2 * i] as StatValue, values[2 * i + 1] as StatValue)
    )
  );
}

function overlaps(file: AddFile, key: string, least: StatValue, greatest: StatValue): boolean {
  const { minValues, maxValues } = statsOf(file);
  const [min, max] = [minValues?.[key], maxValues?.[key]];
  if (min === undefined || max === undefined) return true;
  return !isLess(max, least) && !isLess(greatest, min);
}

/** Texts are compared as the engine orders them: by their bytes. */
function isLess(a: StatValue, b: StatValue): boolean {
  if (typeof a !== "string" || typeof b !== "string") return a < b;
  const [left, right] = [new TextEncoder().encode(a), new TextEncoder().encode(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] !== right[i]) return left[i]! < right[i]!;
  }
  return left.length < right.length;
}
