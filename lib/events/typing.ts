import { EVENT_COLUMNS, type EventColumn, type ShopEvent } from "./event.ts";
import type { EventMapping } from "./mapping.ts";

/**
 * The SQL select list that turns a file's texts into the nine typed columns, and a `reason` that
 * is null for a row that can be read.
 *
 * @param positions where each of our columns stands in the file
 * @param mapping whose event types are renamed
 */
export function typedColumns(
  positions: Record<keyof ShopEvent, number | null>,
  mapping: EventMapping,
): string {
  const text = (name: keyof ShopEvent) => {
    const position = positions[name];
    return position === null ? "CAST(NULL AS VARCHAR)" : textColumn(position);
  };
  const values = EVENT_COLUMNS.map((column) =>
    `${valueOf(column, text(column.name), mapping)} AS ${column.name}`
  );
  const checks = EVENT_COLUMNS.flatMap((column) => checksOf(column, text(column.name)));
  return `${values.join(", ")}, CASE ${checks.join(" ")} END AS reason`;
}

/** Name of the file's column at `position` while it is still text. */
export function textColumn(position: number): string {
  return `c${position}`;
}

function valueOf(column: EventColumn, text: string, mapping: EventMapping): string {
  if (column.type === "timestamp") return timeSql(text);
  if (column.name === "event_type") return renamed(text, mapping.types);
  return column.type === "string" ? text : `TRY_CAST(${text} AS ${column.duckType})`;
}

/**
 * A cast to TIMESTAMP takes ` UTC` and `Z` but silently ignores other offsets, so those go through
 * TIMESTAMPTZ. Words such as `epoch` are no times here.
 */
function timeSql(text: string): string {
  const offset = String.raw`':\d\d(\.\d+)? ?[+-]\d\d(:?\d\d)?$'`;
  const minutes = String.raw`'([+-]\d\d)(\d\d)$', '\1:\2'`;
  return `CASE WHEN length(${text}) < 19 OR NOT (${text} >= '0' AND ${text} < ':') THEN NULL
    WHEN suffix(${text}, ' UTC') OR suffix(${text}, 'Z') THEN TRY_CAST(${text} AS TIMESTAMP)
    WHEN regexp_matches(${text}, ${offset})
    THEN TRY_CAST(regexp_replace(${text}, ${minutes}) AS TIMESTAMPTZ) AT TIME ZONE 'UTC'
    ELSE TRY_CAST(${text} AS TIMESTAMP) END`;
}

function renamed(text: string, types: Record<string, string>): string {
  const cases = Object.entries(types).map(([theirs, ours]) =>
    `WHEN ${literal(theirs)} THEN ${literal(ours)}`
  );
  return cases.length === 0 ? text : `CASE ${text} ${cases.join(" ")} ELSE ${text} END`;
}

function checksOf(column: EventColumn, text: string): string[] {
  const wrong = (expected: string) =>
    `THEN '${column.name} is not ${expected}: ' || left(${text}, 60)`;
  const checks = column.required ? [`WHEN ${text} IS NULL THEN '${column.name} is empty'`] : [];
  if (column.type === "timestamp") {
    checks.push(`WHEN (${timeSql(text)}) IS NULL ${wrong("a time")}`);
  } else if (column.type === "long") {
    // A cast alone would round 1.5 and read 1e3: the text itself must be a whole number.
    const value = `TRY_CAST(${text} AS BIGINT)`;
    const whole = String.raw`regexp_full_match(${text}, '\s*[+-]?\d+\s*')`;
    checks.push(
      `WHEN ${text} IS NOT NULL AND (${value} IS NULL OR (CAST(${value} AS VARCHAR) <> ${text} AND NOT ${whole})) ${
        wrong("a whole number of 64 bits")
      }`,
    );
  } else if (column.type === "double") {
    const value = `TRY_CAST(${text} AS DOUBLE)`;
    checks.push(
      `WHEN ${text} IS NOT NULL AND NOT coalesce(isfinite(${value}), false) ${wrong("a number")}`,
    );
  }
  return checks;
}

/** A text as an SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
