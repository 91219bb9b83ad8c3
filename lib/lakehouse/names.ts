import { DeltaError } from "./errors.ts";

/** Where a table lives. */
export interface TableName {
  database: string;
  name: string;
  /** `database.name` */
  full: string;
  /** Folder below the lakehouse's root. */
  folder: string;
}

/** The database of names without one. */
export const DEFAULT_DATABASE = "clickstream";

/**
 * Reads `name` or `database.name`.
 *
 * @throws {DeltaError} when a part is not letters, digits and underscores
 */
export function parseTableName(text: string): TableName {
  const parts = text.split(".");
  const [database, name] = parts.length === 1 ? [DEFAULT_DATABASE, parts[0]!] : parts;
  const good = parts.length <= 2 && [database, name].every((part) => /^[A-Za-z_]\w*$/.test(part!));
  if (!good) {
    throw new DeltaError(
      `«${text}» is not a table name: write name or database.name, of letters, digits and underscores.`,
    );
  }
  return {
    database: database!,
    name: name!,
    full: `${database}.${name}`,
    folder: `${database}/${name}`,
  };
}
