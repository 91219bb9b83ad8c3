import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { KernelError } from "./errors.ts";

/** The header of a Jupyter message (messaging protocol 5.3). */
export interface MessageHeader {
  msg_id: string;
  session: string;
  username: string;
  date: string;
  msg_type: string;
  version: string;
}

/** One Jupyter message: the four parts that are signed. Buffers are not used by this project. */
export interface KernelMessage {
  header: MessageHeader;
  parent_header: Partial<MessageHeader>;
  metadata: Record<string, unknown>;
  content: Record<string, unknown>;
}

const DELIMITER = "<IDS|MSG>";
const text = new TextEncoder();

/** A new message of this type, ready to be signed and sent. */
export function newMessage(
  type: string,
  content: Record<string, unknown>,
  session: string,
): KernelMessage {
  const header: MessageHeader = {
    msg_id: randomUUID(),
    session,
    username: "clickstream",
    date: new Date().toISOString(),
    msg_type: type,
    version: "5.3",
  };
  return { header, parent_header: {}, metadata: {}, content };
}

/** The frames of a message: delimiter, HMAC-SHA256 signature in hex, and the four signed parts. */
export function encodeKernelMessage(message: KernelMessage, key: string): Uint8Array[] {
  const { header, parent_header, metadata, content } = message;
  const parts = [header, parent_header, metadata, content].map((part) =>
    text.encode(JSON.stringify(part))
  );
  return [text.encode(DELIMITER), text.encode(sign(parts, key)), ...parts];
}

/**
 * Reads the frames of a message: routing ids or a topic before the delimiter are dropped.
 *
 * @throws {KernelError} when a part is missing or the signature is not made with `key`
 */
export function decodeKernelMessage(frames: readonly Uint8Array[], key: string): KernelMessage {
  const decoder = new TextDecoder();
  const start = frames.findIndex((frame) =>
    frame.length === DELIMITER.length && decoder.decode(frame) === DELIMITER
  );
  const [signature, ...parts] = frames.slice(start + 1, start + 6);
  if (start < 0 || signature === undefined || parts.length < 4) {
    throw new KernelError("A message from the kernel lacks its delimiter or one of its parts.");
  }
  if (!sameText(decoder.decode(signature), sign(parts, key))) {
    throw new KernelError("A message from the kernel has a wrong signature, so it is refused.");
  }
  const [header, parent_header, metadata, content] = parts.map((part) =>
    JSON.parse(decoder.decode(part))
  );
  return { header, parent_header, metadata, content };
}

function sign(parts: readonly Uint8Array[], key: string): string {
  const hmac = createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest("hex");
}

function sameText(left: string, right: string): boolean {
  const [a, b] = [text.encode(left), text.encode(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
