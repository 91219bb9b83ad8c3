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
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw badRequest("The request payload is invalid: it is not valid JSON.", 0, error);
  }
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
