import { badRequest } from "./failure.ts";
import { isObject, type Json, type JsonObject } from "./json.ts";
import { compileCondition, type Predicate } from "./query/condition.ts";

/** One step of a partial update. */
export interface PatchOperation {
  op: "add" | "set" | "replace" | "remove" | "incr" | "move";
  path: string[];
  value?: Json;
  /** Where `move` takes the value from. */
  from?: string[];
}

/** A partial update, read and checked. */
export interface PatchRequest {
  operations: PatchOperation[];
  condition?: Predicate;
}

const MAX_OPERATIONS = 10;
const OPERATORS = new Set(["add", "set", "replace", "remove", "incr", "move"]);

/**
 * Reads the body of a patch request: `{ operations, condition? }` or the bare array.
 *
 * @throws {CosmosFailure} 400 when it is malformed
 */
export function parsePatch(body: Json): PatchRequest {
  const list = Array.isArray(body) ? body : isObject(body) ? body.operations : undefined;
  if (!Array.isArray(list) || list.length === 0) {
    throw badRequest("A patch must have a list of operations.");
  }
  if (list.length > MAX_OPERATIONS) {
    throw badRequest(`The number of patch operations can't exceed '${MAX_OPERATIONS}'.`);
  }
  const operations = list.map(parseOperation);
  const condition = isObject(body) ? body.condition : undefined;
  if (condition === undefined || condition === null || condition === "") return { operations };
  if (typeof condition !== "string") throw badRequest("The patch condition must be a string.");
  return { operations, condition: compileCondition(condition) };
}

function parseOperation(operation: Json): PatchOperation {
  if (!isObject(operation)) throw badRequest("A patch operation must be an object.");
  const op = String(operation.op).toLowerCase();
  if (!OPERATORS.has(op)) throw badRequest(`The patch operator '${op}' is not supported.`);
  const path = parsePath(operation.path);
  if (op === "move") {
    const from = parsePath(operation.from);
    if (from.every((name, i) => name === path[i])) {
      throw badRequest("A patch cannot move a value to itself or into itself.");
    }
    return { op, path, from };
  }
  if (op === "remove") return { op, path };
  if (operation.value === undefined) throw badRequest(`The patch operation '${op}' needs a value.`);
  if (op === "incr" && typeof operation.value !== "number") {
    throw badRequest("The value of the patch operation 'incr' must be a number.");
  }
  return { op: op as PatchOperation["op"], path, value: operation.value };
}

function parsePath(path: Json | undefined): string[] {
  if (typeof path !== "string" || !path.startsWith("/") || path.length < 2) {
    throw badRequest(`The patch path ${JSON.stringify(path ?? null)} is invalid.`);
  }
  const names = path.slice(1).split("/")
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  if (["_rid", "_self", "_etag", "_ts", "_attachments", "id"].includes(names[0]!)) {
    throw badRequest(`The patch path '${path}' is a system property or the id.`);
  }
  return names;
}

/**
 * Applies the operations in order, changing `body`.
 *
 * @throws {CosmosFailure} 400 when an operation does not fit the item; `body` is then half changed
 */
export function patchBody(body: JsonObject, operations: PatchOperation[]): void {
  for (const operation of operations) {
    switch (operation.op) {
      case "move":
        put(body, operation.path, take(body, operation.from!), "set");
        break;
      case "remove":
        take(body, operation.path);
        break;
      case "incr":
        put(body, operation.path, increment(body, operation), "set");
        break;
      default:
        put(body, operation.path, operation.value!, operation.op);
    }
  }
}

function put(body: JsonObject, path: string[], value: Json, op: "add" | "set" | "replace"): void {
  const parent = parentOf(body, path);
  const name = path[path.length - 1]!;
  if (Array.isArray(parent)) return putInArray(parent, name, value, op, path);
  if (op === "replace" && !Object.hasOwn(parent, name)) throw missing(path);
  setOwn(parent, name, value);
}

/** Sets a property of whatever name: a plain assignment to `__proto__` would set none. */
function setOwn(object: JsonObject, name: string, value: Json): void {
  const slot = { value, writable: true, enumerable: true, configurable: true };
  if (name === "__proto__") Object.defineProperty(object, name, slot);
  else object[name] = value;
}

function putInArray(array: Json[], name: string, value: Json, op: string, path: string[]): void {
  if (name === "-" && op !== "replace") {
    array.push(value);
    return;
  }
  const index = indexOf(name, path);
  if (op === "add") {
    if (index > array.length) throw missing(path);
    array.splice(index, 0, value);
  } else if (index < array.length) array[index] = value;
  else if (op === "set" && index === array.length) array.push(value);
  else throw missing(path);
}

function take(body: JsonObject, path: string[]): Json {
  const parent = parentOf(body, path);
  const name = path[path.length - 1]!;
  if (Array.isArray(parent)) {
    const index = indexOf(name, path);
    if (index >= parent.length) throw missing(path);
    return parent.splice(index, 1)[0]!;
  }
  if (!Object.hasOwn(parent, name)) throw missing(path);
  const value = parent[name]!;
  delete parent[name];
  return value;
}

function increment(body: JsonObject, operation: PatchOperation): number {
  const parent = parentOf(body, operation.path);
  const name = operation.path[operation.path.length - 1]!;
  const old = Array.isArray(parent)
    ? parent[indexOf(name, operation.path)]
    : Object.hasOwn(parent, name)
    ? parent[name]
    : 0;
  if (typeof old !== "number") {
    throw badRequest(
      `The patch operation 'incr' needs a number at '/${operation.path.join("/")}'.`,
    );
  }
  return old + (operation.value as number);
}

function parentOf(body: JsonObject, path: string[]): JsonObject | Json[] {
  let value: Json | undefined = body;
  for (const name of path.slice(0, -1)) {
    if (Array.isArray(value)) value = value[indexOf(name, path)];
    else value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  if (typeof value !== "object" || value === null) throw missing(path);
  return value;
}

function indexOf(name: string, path: string[]): number {
  if (!/^(0|[1-9]\d*)$/.test(name)) throw missing(path);
  return Number(name);
}

function missing(path: string[]): Error {
  return badRequest(`The patch path '/${path.join("/")}' does not exist in the item.`);
}
