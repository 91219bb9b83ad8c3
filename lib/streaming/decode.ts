import { Buffer } from "node:buffer";
import { type EventMessage, parseMessage } from "clickstream/events";

/** A message as the hub hands it out. */
export interface HubMessage {
  partition: number;
  sequenceNumber: number;
  offset: string;
  /** Microseconds since 1970. */
  enqueuedTime: number;
  body: Uint8Array;
  /** What the producer set beside the body. */
  properties?: Record<string, unknown> | undefined;
}

/** A message that was read: an event, or the reason why it is none. */
export interface DecodedMessage {
  position: HubMessage;
  /** The body as text, base64 when it is not UTF-8. */
  body: string;
  bodyEncoding: "base64" | null;
  event: EventMessage | null;
  reason: "malformed" | "invalid" | null;
  detail: string;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads a message's body. Never throws: what cannot be read says why. */
export function decodeMessage(message: HubMessage): DecodedMessage {
  const common = { position: message, bodyEncoding: null, event: null, reason: null, detail: "" };
  let body: string;
  try {
    body = utf8.decode(message.body);
  } catch {
    const encoded = Buffer.from(message.body).toString("base64");
    const detail = "the body is not UTF-8 text";
    return { ...common, body: encoded, bodyEncoding: "base64", reason: "malformed", detail };
  }
  const parsed = parseMessage(body);
  return "message" in parsed
    ? { ...common, body, event: parsed.message }
    : { ...common, body, reason: parsed.reason, detail: parsed.detail };
}
