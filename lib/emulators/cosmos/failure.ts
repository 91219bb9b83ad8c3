import { ClickstreamError } from "clickstream/config";

/** An answer of the service that is not a success: status, code word and message as on the wire. */
export class CosmosFailure extends ClickstreamError {
  /** HTTP status. */
  readonly status: number;
  /** The word that stands in the body's `code`. */
  readonly code: string;
  /** Value of `x-ms-substatus`, 0 when the service sends none. */
  readonly substatus: number;
  /** Value of `x-ms-retry-after-ms`, undefined when the service sends none. */
  readonly retryAfterMs: number | undefined;

  constructor(
    status: number,
    message: string,
    details: { substatus?: number; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.status = status;
    this.code = CODES[status] ?? "InternalServerError";
    this.substatus = details.substatus ?? 0;
    this.retryAfterMs = details.retryAfterMs;
  }
}

const CODES: Record<number, string> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  409: "Conflict",
  410: "Gone",
  412: "PreconditionFailed",
  413: "RequestEntityTooLarge",
  424: "FailedDependency",
  429: "TooManyRequests",
  500: "InternalServerError",
  503: "ServiceUnavailable",
};

/** 400: the request is malformed or breaks a rule. */
export function badRequest(message: string, substatus = 0, cause?: unknown): CosmosFailure {
  return new CosmosFailure(400, errorList(message), { substatus, cause });
}

/** 405: what is addressed has no such operation. */
export function notAllowed(method: string, what: string): CosmosFailure {
  return new CosmosFailure(405, errorList(`${method} is not possible on ${what}.`));
}

/** 404: no such database, container or item. */
export function notFound(): CosmosFailure {
  return new CosmosFailure(
    404,
    errorList("Resource Not Found. Learn more: https://aka.ms/cosmosdb-tsg-not-found"),
  );
}

/** 409: the id is taken, or what else must be unique. */
export function conflict(
  message = "Resource with specified id or name already exists.",
): CosmosFailure {
  return new CosmosFailure(409, errorList(message));
}

/** 412: an ETag or a patch condition does not hold. */
export function preconditionFailed(): CosmosFailure {
  return new CosmosFailure(
    412,
    errorList(
      "Operation cannot be performed because one of the specified precondition is not met.",
    ),
  );
}

/** 413: a request or an item is larger than the service takes. */
export function tooLarge(): CosmosFailure {
  return new CosmosFailure(413, errorList("Request size is too large"));
}

const SQLITE_FULL = 13;

/** What went wrong below the service: a full disk is its 403 for storage, the rest a 500. */
export function failureOf(cause: unknown): CosmosFailure {
  if ((cause as { errcode?: number })?.errcode === SQLITE_FULL) {
    const message = "The disk is full: nothing was written. Make room and try again.";
    return new CosmosFailure(403, errorList(message), { substatus: 1014, cause });
  }
  return new CosmosFailure(500, errorList(String(cause)), { cause });
}

/** Wraps a sentence as the service does: a JSON list of errors inside the message. */
function errorList(message: string): string {
  return `Message: ${JSON.stringify({ Errors: [message] })}`;
}
