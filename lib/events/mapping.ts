import { SchemaError } from "./errors.ts";
import { EVENT_COLUMNS, EVENT_TYPES, type ShopEvent } from "./event.ts";

/** How another shop's file names things. */
export interface EventMapping {
  /** Our column to the file's column; an empty name means that the file has none (null). */
  columns: Partial<Record<keyof ShopEvent, string>>;
  /** The file's event type to ours. */
  types: Record<string, string>;
}

/**
 * Reads `--map`: pairs `ours=theirs` separated by commas. Ours is one of the nine columns, or one
 * of `view`, `cart`, `purchase`; several of their types may be joined by `|`.
 *
 * @example
 * ```ts
 * import { parseMapping } from "clickstream/events";
 * parseMapping("event_type=action,brand=,cart=add_to_cart|add_to_basket");
 * ```
 * @throws {SchemaError} names the pair that is wrong and what may stand there
 */
export function parseMapping(text: string): EventMapping {
  const mapping: EventMapping = { columns: {}, types: {} };
  for (const pair of text.split(",").map((part) => part.trim()).filter((part) => part !== "")) {
    const at = pair.indexOf("=");
    const ours = pair.slice(0, Math.max(at, 0)).trim();
    const theirs = pair.slice(at + 1).trim();
    if (at > 0 && isColumn(ours)) mapping.columns[ours] = theirs;
    else if (at > 0 && isType(ours) && theirs !== "") {
      for (const type of theirs.split("|")) mapping.types[type.trim()] = ours;
    } else throw new SchemaError(explain(pair));
  }
  return mapping;
}

function explain(pair: string): string {
  const names = [...EVENT_COLUMNS.map((column) => column.name), ...EVENT_TYPES].join(", ");
  return `--map cannot use "${pair}": write ours=theirs, where ours is one of ${names}.`;
}

function isColumn(name: string): name is keyof ShopEvent {
  return EVENT_COLUMNS.some((column) => column.name === name);
}

function isType(name: string): boolean {
  return (EVENT_TYPES as readonly string[]).includes(name);
}
