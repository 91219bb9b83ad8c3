import { badRequest } from "./failure.ts";
import { isObject, type Json, type JsonObject } from "./json.ts";

/** How a container is partitioned, as its definition says and ready to use. */
export interface PartitionKeyDefinition {
  /** `Hash` for one path, `MultiHash` for a hierarchy. */
  kind: "Hash" | "MultiHash";
  version: 1 | 2;
  /** Each path split into its property names. */
  paths: string[][];
  /** True when the only path is `/id`: the id alone then identifies an item. */
  isId: boolean;
}

/**
 * Reads the `partitionKey` of a container definition.
 *
 * @throws {CosmosFailure} 400 when paths, kind or version are wrong
 */
export function parsePartitionKey(definition: Json | undefined): PartitionKeyDefinition {
  if (!isObject(definition) || !Array.isArray(definition.paths) || definition.paths.length === 0) {
    throw badRequest("The partition key definition must name at least one path.");
  }
  const kind = definition.kind ?? (definition.paths.length > 1 ? "MultiHash" : "Hash");
  if (kind !== "Hash" && kind !== "MultiHash") {
    throw badRequest(`The partition key kind ${JSON.stringify(kind)} is not supported.`);
  }
  if (definition.paths.length > (kind === "Hash" ? 1 : 3)) {
    throw badRequest(`Too many partition key paths for kind ${kind}.`);
  }
  const paths = definition.paths.map((path) => parsePath(path, "partition key"));
  const isId = paths.length === 1 && paths[0]!.length === 1 && paths[0]![0] === "id";
  return { kind, version: definition.version === 1 ? 1 : 2, paths, isId };
}

/** The property names of a path. @throws {CosmosFailure} 400 naming `what` the path is for */
export function parsePath(path: Json, what: string): string[] {
  if (typeof path !== "string" || !/^(\/("[^"]+"|[^/"]+))+$/.test(path)) {
    throw badRequest(`The ${what} path ${JSON.stringify(path)} is invalid.`);
  }
  const names = path.match(/"[^"]+"|[^/"]+/g)!;
  return names.map((name) => name.startsWith('"') ? name.slice(1, -1) : name);
}

/**
 * The key column of an item: canonical JSON of its key values, `{}` standing for a missing one;
 * empty where the id alone is the key.
 *
 * @throws {CosmosFailure} 400 when a value is an object or an array
 */
export function keyOfBody(definition: PartitionKeyDefinition, body: JsonObject): string {
  if (definition.isId) return "";
  return JSON.stringify(definition.paths.map((path) => keyComponent(body, path)));
}

function keyComponent(body: JsonObject, path: string[]): Json {
  let value: Json | undefined = body;
  for (const name of path) {
    value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  if (value === undefined) return {};
  if (typeof value === "object" && value !== null) {
    if (isObject(value) && Object.keys(value).length === 0) return {};
    throw badRequest("The partition key of the item must be a string, number, boolean or null.");
  }
  return value;
}

/**
 * Reads a partition key as header or batch operation carry it.
 *
 * @returns its components, `{}` standing for a missing value
 * @throws {CosmosFailure} 400 when it is not an array of scalars
 */
export function parseKey(text: string): Json[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badRequest("The partition key header is not valid JSON.", 0, error);
  }
  const valid = Array.isArray(value) && value.length <= 3 &&
    value.every((part) =>
      typeof part !== "object" || part === null ||
      (isObject(part) && Object.keys(part).length === 0)
    );
  if (!valid) throw badRequest("Partition key provided is not an array of scalars.");
  return value as Json[];
}

/**
 * The key column that a point operation addresses.
 *
 * @returns undefined when no item can have this key together with this id
 * @throws {CosmosFailure} 400 when the number of components differs from the definition's
 */
export function keyOfHeader(
  definition: PartitionKeyDefinition,
  text: string | null | undefined,
  id?: string,
): string | undefined {
  if (text === null || text === undefined) {
    throw badRequest("PartitionKey value must be supplied for this operation.");
  }
  const parts = parseKey(text);
  const expected = definition.paths.length;
  if (parts.length === 0 && expected === 1) parts.push({});
  if (parts.length !== expected) throw wrongKey();
  if (definition.isId) return id === undefined || parts[0] === id ? "" : undefined;
  return JSON.stringify(parts);
}

/** Which items a query's partition key header names. */
export type KeyFilter =
  | { kind: "key"; pk: string }
  | { kind: "keys"; from: string; to: string }
  | { kind: "id"; id: string };

/**
 * What a query's partition key names: one key, or all keys with a prefix of a hierarchy.
 *
 * @returns undefined when it names all
 * @throws {CosmosFailure} 400 when it has more components than the definition
 */
export function keyFilter(
  definition: PartitionKeyDefinition,
  parts: Json[],
): KeyFilter | undefined {
  const expected = definition.paths.length;
  if (parts.length > expected) throw wrongKey();
  const wanted = parts.length === 0 && expected === 1 ? [{}] : parts;
  if (definition.isId) return { kind: "id", id: typeof parts[0] === "string" ? parts[0] : "" };
  if (wanted.length === 0) return undefined;
  const pk = JSON.stringify(wanted);
  if (wanted.length === expected) return { kind: "key", pk };
  // Keys that go on after the prefix go on with a comma; a minus is the next character.
  return { kind: "keys", from: `${pk.slice(0, -1)},`, to: `${pk.slice(0, -1)}-` };
}

function wrongKey(): Error {
  return badRequest(
    "Partition key provided either doesn't correspond to definition in the collection or " +
      "doesn't match partition key field values specified in the document.",
    1001,
  );
}

/** 400 with substatus 1001: header and body disagree about the partition key. */
export function keyMismatch(): Error {
  return badRequest(
    "PartitionKey extracted from document doesn't match the one specified in the header. " +
      "Learn more: https://aka.ms/CosmosDB/sql/errors/wrong-pk-value",
    1001,
  );
}
