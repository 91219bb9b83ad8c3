import type { Session } from "./lake.ts";
import type { Condition } from "./predicate.ts";
import { type Field, quoteName } from "./schema.ts";

const WHOLE = new Set<unknown>(["long", "integer", "short", "byte"]);
const AS_TEXT = new Set<unknown>(["string", "date", "timestamp", "timestamp_ntz"]);

/**
 * The condition that a row with one of a temporary table's keys meets: each column of the key lies
 * between the least and the greatest value that it has there. Columns of other types than whole
 * numbers, texts and times may have any value.
 *
 * @returns null when the table is empty, so that no row has one of the keys
 */
export async function keysCondition(
  session: Session,
  fields: readonly Field[],
  rows: string,
  keys: readonly string[],
): Promise<Condition | null> {
  const typeOf = (key: string) =>
    fields.find((field) => field.name.toLowerCase() === key.toLowerCase())?.type;
  const bounded = keys.filter((key) => WHOLE.has(typeOf(key)) || AS_TEXT.has(typeOf(key)));
  const ends = bounded.flatMap((key) => {
    const cast = AS_TEXT.has(typeOf(key)) ? "::VARCHAR" : "";
    return [`min(${quoteName(key)})${cast}`, `max(${quoteName(key)})${cast}`];
  });
  const result = await session.connection.runAndReadAll(
    `SELECT ${["count(*)", ...ends].join(", ")} FROM temp.${rows}`,
  );
  const [count, ...values] = result.getRows()[0]!;
  if (Number(count) === 0) return null;
  const constant = (value: unknown): Condition => ({
    type: "VALUE_CONSTANT",
    value: {
      type: { id: typeof value === "string" ? "VARCHAR" : "BIGINT", type_info: null },
      value,
    },
  });
  const children = bounded.map((key, index): Condition => ({
    type: "COMPARE_BETWEEN",
    input: { type: "COLUMN_REF", column_names: [key] },
    lower: constant(values[2 * index]),
    upper: constant(values[2 * index + 1]),
  }));
  return { type: "CONJUNCTION_AND", children };
}
