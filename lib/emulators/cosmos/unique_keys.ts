import { badRequest, conflict } from "./failure.ts";
import { isObject, type JsonObject } from "./json.ts";
import { parsePath, type PartitionKeyDefinition } from "./partition_key.ts";

const MOST_KEYS = 10;
const MOST_PATHS = 16;
const SQLITE_CONSTRAINT_UNIQUE = 2067;

/**
 * The unique keys of a container definition as columns of an SQLite index each. They hold within
 * one partition key; a missing value is the same as null.
 *
 * @throws {CosmosFailure} 400 when the policy is malformed
 */
export function uniqueKeys(definition: JsonObject, key: PartitionKeyDefinition): string[] {
  const policy = definition.uniqueKeyPolicy ?? {};
  const keys = isObject(policy) ? policy.uniqueKeys ?? [] : undefined;
  if (!Array.isArray(keys) || keys.length > MOST_KEYS) {
    throw badRequest(`The unique key policy must be a list of at most ${MOST_KEYS} unique keys.`);
  }
  const columns = keys.map((one) => {
    const paths = isObject(one) ? one.paths : undefined;
    if (!Array.isArray(paths) || paths.length === 0 || paths.length > MOST_PATHS) {
      throw badRequest(`A unique key must name 1 to ${MOST_PATHS} paths.`);
    }
    return paths.map((path) => column(parsePath(path, "unique key"))).join(", ");
  });
  // Where the id is the partition key, each item is alone in its partition.
  return key.isId ? [] : columns;
}

function column(names: string[]): string {
  const path = `$${names.map((name) => `."${name}"`).join("")}`.replaceAll("'", "''");
  return `ifnull(body -> '${path}', 'null')`;
}

/**
 * Runs a statement that may find another item with the same unique key.
 *
 * @throws {CosmosFailure} 409
 */
export function whereUnique<T>(statement: () => T): T {
  try {
    return statement();
  } catch (error) {
    if ((error as { errcode?: number }).errcode !== SQLITE_CONSTRAINT_UNIQUE) throw error;
    throw conflict("Unique index constraint violation.");
  }
}
