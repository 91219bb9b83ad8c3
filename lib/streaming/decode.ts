import { Buffer } from "node:buffer";
import { type EventMessage, parseMessage } from "clickstream/events";

/** What a message says, as bronze holds it. */
export interface MessageBody {
  /** Text, base64 when the bytes are not UTF-8. */
  body: string;
  bodyEncoding: "base64" | null;
}

/** A message as the hub hands it out. */
export interface HubMessage extends MessageBody {
  partition: number;
  sequenceNumber: number;
  offset: string;
  /** Microseconds since 1970. */
  enqueuedTime: number;
  /** What the producer set beside the body. */
  properties?: Record<string, unknown> | undefined;
}

/** A message that was read: an event, or the reason why it is none. */
export interface DecodedMessage {
  source: HubMessage;
  event: EventMessage | null;
  reason: "malformed" | "invalid" | null;
  detail: string;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads a body's bytes as text. Never throws. */
export function readBody(bytes: Uint8Array): MessageBody {
  try {
    return { body: utf8.decode(bytes), bodyEncoding: null };
  } catch {
    return { body: Buffer.from(bytes).toString("base64"), bodyEncoding: "base64" };
  }
}

/** Reads the event of a message. Never throws: what cannot be read says why. */
export function decodeMessage(message: HubMessage): DecodedMessage {
  if (message.bodyEncoding !== null) {
    const detail = "the body is not UTF-8 text";
    return { source: message, event: null, reason: "malformed", detail };
  }
  const parsed = parseMessage(message.body);
  return "message" in parsed
    ? { source: message, event: parsed.message, reason: null, detail: "" }
    : { source: message, event: null, reason: parsed.reason, detail: parsed.detail };
}
