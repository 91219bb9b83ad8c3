import { SchemaError } from "./errors.ts";
import { EVENT_COLUMNS, type ShopEvent } from "./event.ts";
import type { EventMapping } from "./mapping.ts";

/** What the first line of a CSV file says. */
export interface CsvHeader {
  delimiter: string;
  /** All columns of the file, in order. */
  names: string[];
  /** Position of each of our columns in `names`; null where the mapping says that there is none. */
  positions: Record<keyof ShopEvent, number | null>;
  /** Bytes up to and with the first line's end. */
  bytes: number;
}

/**
 * Reads and checks the header of a CSV file: any order, further columns are ignored.
 *
 * @param start the file's first bytes
 * @param file the path, for messages
 * @throws {SchemaError} when the file is empty, in another encoding, or lacks a column
 */
export function readHeader(start: Uint8Array, file: string, mapping: EventMapping): CsvHeader {
  const line = firstLine(start, file);
  const delimiter = [",", ";", "\t", "|"].toSorted((a, b) =>
    line.text.split(b).length - line.text.split(a).length
  )[0]!;
  const names = line.text.split(delimiter).map((name) => name.trim().replace(/^"(.*)"$/, "$1"));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new SchemaError(
      `The header of ${file} has the column "${twice}" twice: rename one of them.`,
    );
  }
  return { delimiter, names, positions: findColumns(names, file, mapping), bytes: line.bytes };
}

function firstLine(start: Uint8Array, file: string): { text: string; bytes: number } {
  if (start.length === 0) {
    throw new SchemaError(`${file} is empty: expected a CSV file with a header line.`);
  }
  const end = start.indexOf(10);
  const bytes = end < 0 ? start.length : end + 1;
  const hasMark = start[0] === 0xEF && start[1] === 0xBB && start[2] === 0xBF;
  try {
    const line = start.subarray(hasMark ? 3 : 0, bytes);
    if (line.includes(0)) throw new TypeError("the line has zero bytes");
    const text = new TextDecoder("utf-8", { fatal: true }).decode(line);
    return { text: text.replace(/\r?\n$/, ""), bytes };
  } catch (cause) {
    throw new SchemaError(
      `The header of ${file} is not UTF-8 text: save the file as CSV in UTF-8 and try again.`,
      { cause },
    );
  }
}

function findColumns(
  names: string[],
  file: string,
  mapping: EventMapping,
): CsvHeader["positions"] {
  const missing: string[] = [];
  const entries = EVENT_COLUMNS.map(({ name, required }) => {
    const theirs = mapping.columns[name] ?? name;
    const index = names.indexOf(theirs);
    if (index < 0 && (theirs !== "" || required)) missing.push(theirs || name);
    return [name, index < 0 ? null : index] as const;
  });
  if (missing.length > 0) {
    const found = names.slice(0, 20).join(", ").slice(0, 300);
    throw new SchemaError(
      `The header of ${file} lacks ${missing.join(", ")}; it has: ${found}. ` +
        `Name the file's columns with --map, for example --map event_type=action,brand=.`,
    );
  }
  return Object.fromEntries(entries) as CsvHeader["positions"];
}
