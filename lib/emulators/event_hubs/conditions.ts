import type { AmqpError } from "./rhea.ts";

/** Python's client takes an error only with all three of its fields. */
function error(condition: string, description: string): AmqpError {
  return { condition, description, info: {} };
}

/** The errors of the service, with its own conditions, as its SDKs know them. */
export function notFound(entity: string): AmqpError {
  return error("amqp:not-found", `The messaging entity '${entity}' could not be found.`);
}

export function argumentOutOfRange(description: string): AmqpError {
  return error("com.microsoft:argument-out-of-range", description);
}

export function unauthorized(description: string): AmqpError {
  return error("amqp:unauthorized-access", description);
}

export function stolen(description: string): AmqpError {
  return error("amqp:link:stolen", description);
}

export function quotaExceeded(description: string): AmqpError {
  return error("amqp:resource-limit-exceeded", description);
}

export function messageTooLarge(bytes: number, limit: number): AmqpError {
  return error(
    "amqp:link:message-size-exceeded",
    `The received message (size:${bytes} bytes) exceeds the limit (${limit} bytes) ` +
      `currently allowed on the link.`,
  );
}

export function invalidField(description: string): AmqpError {
  return error("amqp:invalid-field", description);
}

export function undecodable(description: string): AmqpError {
  return error("amqp:decode-error", description);
}

export function internalError(description: string): AmqpError {
  return error("amqp:internal-error", description);
}

export function connectionForced(description: string): AmqpError {
  return error("amqp:connection:forced", description);
}

export function linkDetached(description: string): AmqpError {
  return error("amqp:link:detach-forced", description);
}

export function framingError(description: string): AmqpError {
  return error("amqp:connection:framing-error", description);
}

export function transferLimitExceeded(): AmqpError {
  return error(
    "amqp:link:transfer-limit-exceeded",
    "More transfers were sent on the link than it has credit for.",
  );
}
