import { duckType, type Field, quoteName, quoteText } from "./schema.ts";

const WHOLE = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/;
const TIME = /^(DATE|TIMESTAMP(_S|_MS|_NS| WITH TIME ZONE)?)$/;

/** How a value of one SQL type becomes one of another. */
type Fit =
  /** The engine's own cast keeps every value, or refuses it. */
  | "cast"
  /** The cast can round: a value must come back as it was. */
  | "checked"
  /** Only nulls can. */
  | "never";

/**
 * SQL of a source's column as a column of the table. A value that would be rounded, cut or read
 * out of a text is an error when the rows are written: ids must never change on their way.
 *
 * @param name the column's name in the source
 * @param type its SQL type there; anything unknown is left to the engine
 */
export function fittingColumn(field: Field, name: string, type: string): string {
  const column = quoteName(name);
  const wanted = duckType(field.type);
  const fit = fitOf(type, wanted);
  if (fit === "cast") return column;
  const refuse = `error(${
    quoteText(
      `Conversion Error: column ${field.name} is ${fieldTypeText(field)}; the ${type} value `,
    )
  } || ${column}::VARCHAR || ' would not be kept exactly: round or cast it in the source')`;
  if (fit === "never") return `CASE WHEN ${column} IS NOT NULL THEN ${refuse} END::${wanted}`;
  return `CASE WHEN ${column}::${wanted}::${type} IS NOT DISTINCT FROM ${column}
    THEN ${column}::${wanted} ELSE ${refuse}::${wanted} END`;
}

function fieldTypeText(field: Field): string {
  return typeof field.type === "string" ? field.type : field.type.type;
}

function fitOf(from: string, to: string): Fit {
  if (from === to || to === "VARCHAR") return "cast";
  const [given, wanted] = [kindOf(from), kindOf(to)];
  if (given === "other" || wanted === "other") return "cast"; // Nested types and the like.
  if (given !== wanted) return "never";
  if (given === "number") return numbersAreKept(from, to) ? "cast" : "checked";
  return to === "DATE" || from === "TIMESTAMP_NS" ? "checked" : "cast";
}

/** Whether the engine's cast between two kinds of number keeps each value or refuses it. */
function numbersAreKept(from: string, to: string): boolean {
  const [source, target] = [decimalScale(from), decimalScale(to)];
  if (source !== null && target !== null) return source <= target;
  if (isReal(from)) return isReal(to);
  if (source !== null) return false;
  if (!isReal(to)) return true;
  return /^U?(TINYINT|SMALLINT)$/.test(from) || (to === "DOUBLE" && /^U?INTEGER$/.test(from));
}

function isReal(type: string): boolean {
  return type === "DOUBLE" || type === "FLOAT";
}

function decimalScale(type: string): number | null {
  const match = /^DECIMAL\(\d+,(\d+)\)$/.exec(type);
  return match === null ? null : Number(match[1]);
}

function kindOf(type: string): "number" | "time" | "text" | "truth" | "bytes" | "other" {
  if (WHOLE.test(type) || isReal(type) || decimalScale(type) !== null) return "number";
  if (TIME.test(type)) return "time";
  if (type === "VARCHAR") return "text";
  if (type === "BOOLEAN") return "truth";
  return type === "BLOB" ? "bytes" : "other";
}
