import type { AmqpError } from "./rhea.ts";

// The errors of the service, with its own conditions, as its SDKs know them.

/** Python's client takes an error only with all three of its fields. */
function error(condition: string, description: string): AmqpError {
  return { condition, description, info: {} };
}

/** A hub, group or other entity that does not exist. */
export function notFound(entity: string): AmqpError {
  return error("amqp:not-found", `The messaging entity '${entity}' could not be found.`);
}

/** A partition or position that is not there. */
export function argumentOutOfRange(description: string): AmqpError {
  return error("com.microsoft:argument-out-of-range", description);
}

/** A token that is missing, wrong, expired or without the right. */
export function unauthorized(description: string): AmqpError {
  return error("amqp:unauthorized-access", description);
}

/** Another receiver owns the partition. */
export function stolen(description: string): AmqpError {
  return error("amqp:link:stolen", description);
}

/** A limit of the service is reached. */
export function quotaExceeded(description: string): AmqpError {
  return error("amqp:resource-limit-exceeded", description);
}

/** A transfer above the limit of its link. */
export function messageTooLarge(bytes: number, limit: number): AmqpError {
  return error(
    "amqp:link:message-size-exceeded",
    `The received message (size:${bytes} bytes) exceeds the limit (${limit} bytes) ` +
      `currently allowed on the link.`,
  );
}

/** A field of a request that cannot be understood. */
export function invalidField(description: string): AmqpError {
  return error("amqp:invalid-field", description);
}

/** A payload that holds no AMQP message. */
export function undecodable(description: string): AmqpError {
  return error("amqp:decode-error", description);
}

/** Something failed in the server. */
export function internalError(description: string): AmqpError {
  return error("amqp:internal-error", description);
}

/** The server ends the connection. */
export function connectionForced(description: string): AmqpError {
  return error("amqp:connection:forced", description);
}

/** The server ends the link. */
export function linkDetached(description: string): AmqpError {
  return error("amqp:link:detach-forced", description);
}

/** The bytes of a connection are no AMQP. */
export function framingError(description: string): AmqpError {
  return error("amqp:connection:framing-error", description);
}

/** A client sends without credit. */
export function transferLimitExceeded(): AmqpError {
  return error(
    "amqp:link:transfer-limit-exceeded",
    "More transfers were sent on the link than it has credit for.",
  );
}
