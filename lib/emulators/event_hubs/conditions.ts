import type { AmqpError } from "./rhea.ts";

/** The errors of the service, with its own conditions, as its SDKs know them. */
export function notFound(entity: string): AmqpError {
  return {
    condition: "amqp:not-found",
    description: `The messaging entity '${entity}' could not be found.`,
  };
}

export function argumentOutOfRange(description: string): AmqpError {
  return { condition: "com.microsoft:argument-out-of-range", description };
}

export function unauthorized(description: string): AmqpError {
  return { condition: "amqp:unauthorized-access", description };
}

export function stolen(description: string): AmqpError {
  return { condition: "amqp:link:stolen", description };
}

export function quotaExceeded(description: string): AmqpError {
  return { condition: "amqp:resource-limit-exceeded", description };
}

export function messageTooLarge(bytes: number, limit: number): AmqpError {
  return {
    condition: "amqp:link:message-size-exceeded",
    description: `The received message (size:${bytes} bytes) exceeds the limit (${limit} bytes) ` +
      `currently allowed on the link.`,
  };
}

export function invalidField(description: string): AmqpError {
  return { condition: "amqp:invalid-field", description };
}

export function undecodable(description: string): AmqpError {
  return { condition: "amqp:decode-error", description };
}

export function internalError(description: string): AmqpError {
  return { condition: "amqp:internal-error", description };
}

export function connectionForced(description: string): AmqpError {
  return { condition: "amqp:connection:forced", description };
}

export function linkDetached(description: string): AmqpError {
  return { condition: "amqp:link:detach-forced", description };
}

export function framingError(description: string): AmqpError {
  return { condition: "amqp:connection:framing-error", description };
}
