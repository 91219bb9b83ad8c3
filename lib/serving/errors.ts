import { ClickstreamError } from "clickstream/config";

/** Error codes of answers, in the vocabulary of MLflow and Databricks. */
export type ErrorCode =
  | "BAD_REQUEST"
  | "INVALID_PARAMETER_VALUE"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "REQUEST_TOO_LARGE"
  | "REQUEST_TIMEOUT"
  | "UNAUTHENTICATED"
  | "ENDPOINT_NOT_FOUND"
  | "METHOD_NOT_ALLOWED"
  | "RESOURCE_ALREADY_EXISTS"
  | "RESOURCE_CONFLICT"
  | "RESOURCE_DOES_NOT_EXIST"
  | "REQUEST_LIMIT_EXCEEDED"
  | "TEMPORARILY_UNAVAILABLE"
  | "DEADLINE_EXCEEDED"
  | "INTERNAL_ERROR";

/** HTTP status of each code. */
export const statusOf = {
  BAD_REQUEST: 400,
  INVALID_PARAMETER_VALUE: 422,
  UNSUPPORTED_MEDIA_TYPE: 415,
  REQUEST_TOO_LARGE: 413,
  REQUEST_TIMEOUT: 408,
  UNAUTHENTICATED: 401,
  ENDPOINT_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  RESOURCE_ALREADY_EXISTS: 400,
  RESOURCE_CONFLICT: 409,
  RESOURCE_DOES_NOT_EXIST: 404,
  REQUEST_LIMIT_EXCEEDED: 429,
  TEMPORARILY_UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
  INTERNAL_ERROR: 500,
} as const satisfies Record<ErrorCode, number>;

/** A request that is answered with an error: `{error_code, message}` and the code's status. */
export class ApiError extends ClickstreamError {
  /** @param headers more headers of the answer */
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions & { headers?: Record<string, string> },
  ) {
    super(message, options);
    this.headers = options?.headers ?? {};
  }
  readonly headers: Record<string, string>;
}

/** The scoring endpoint answered a client with an error, or could not be reached. */
export class ServingError extends ClickstreamError {
  /**
   * @param code the answer's error_code; `UNREACHABLE` when there was no answer
   * @param status HTTP status; 0 when there was no answer
   */
  constructor(
    message: string,
    readonly code: string,
    readonly status: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
