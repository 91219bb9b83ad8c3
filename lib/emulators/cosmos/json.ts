import { badRequest } from "./failure.ts";

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
/** A JSON object. */
export interface JsonObject {
  [key: string]: Json;
}

/** True for a JSON object, false for null, arrays and scalars. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Parses a request body.
 *
 * @throws {CosmosFailure} 400 when it is not JSON
 */
export function parseJson(text: string): Json {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    throw badRequest("The request payload is invalid: it is not valid JSON.", 0, error);
  }
  checkValue(value, MAX_DEPTH);
  return value;
}

/** Levels of objects and arrays in an item, and some for what a request has around it. */
const MAX_DEPTH = 128 + 8;

function checkValue(value: Json, depth: number): void {
  if (typeof value === "number") {
    if (Number.isFinite(value)) return;
    throw badRequest("The request payload is invalid: a number is too large.");
  }
  if (typeof value !== "object" || value === null) return;
  if (depth === 0) throw badRequest("The request payload is invalid: it is nested too deep.");
  if (Array.isArray(value)) { for (const one of value) checkValue(one, depth - 1); }
  else for (const name in value) checkValue(value[name]!, depth - 1);
}

/**
 * Parses a request body that must be an object.
 *
 * @throws {CosmosFailure} 400 when it is anything else
 */
export function parseObject(text: string): JsonObject {
  const value = parseJson(text);
  if (!isObject(value)) throw badRequest("The request payload is invalid: expected an object.");
  return value;
}

/** `JSON.stringify` in ASCII, as headers need it. */
export function headerJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}
