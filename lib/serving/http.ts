import type { Context } from "hono";
import { readBody } from "./body.ts";
import { ApiError, statusOf } from "./errors.ts";
import { parseExact } from "./exactJson.ts";

/** Bounds of requests. */
export interface RequestLimits {
  /** Bytes of a body. @default 8388608 */
  maxBodyBytes: number;
  /** Rows of a request. @default 10000 */
  maxRows: number;
  /** Milliseconds for the body to arrive. @default 10000 */
  bodyTimeoutMs: number;
  /** Milliseconds for look-up and score. @default 10000 */
  requestTimeoutMs: number;
}

/** What a request carries through the routes. */
export type Env = {
  Variables: { requestId: string; route: string };
  Bindings: { remoteAddr?: { hostname?: string } };
};

/** The JSON value of a request's body. @throws {ApiError} it is not JSON, too long, or too slow */
export async function readJson(c: Context<Env>, limits: RequestLimits): Promise<unknown> {
  const text = await readText(c, limits);
  try {
    return parseExact(text);
  } catch (error) {
    throw new ApiError("BAD_REQUEST", "The body is not valid JSON: send a JSON object.", {
      cause: error,
    });
  }
}

/** The text of a request's JSON body. @throws {ApiError} it is of another type, too long, or too slow */
export function readText(c: Context<Env>, limits: RequestLimits): Promise<string> {
  const type = (c.req.header("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  const encoding = (c.req.header("content-encoding") ?? "identity").trim().toLowerCase();
  if (type !== "application/json" || encoding !== "identity") {
    throw new ApiError(
      "UNSUPPORTED_MEDIA_TYPE",
      "This server reads only uncompressed JSON: send the header Content-Type: application/json.",
    );
  }
  return readBody(c.req.raw, limits.maxBodyBytes, limits.bodyTimeoutMs);
}

/** Answers a value as JSON. */
export function answerJson(c: Context<Env>, value: unknown): Response {
  return c.body(JSON.stringify(value), 200, { "content-type": "application/json" });
}

/** Answers an error as MLflow and Databricks do. */
export function answerError(c: Context<Env>, error: ApiError): Response {
  for (const [name, value] of Object.entries(error.headers)) c.header(name, value);
  return c.json({ error_code: error.code, message: error.message }, statusOf[error.code]);
}

/** Refuses a method on a path that exists. */
export function onlyBy(c: Context<Env>, methods: string): never {
  throw new ApiError(
    "METHOD_NOT_ALLOWED",
    `${c.req.method} is not possible here, only ${methods}.`,
    { headers: { allow: methods } },
  );
}
