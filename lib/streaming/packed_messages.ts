import type { HubMessage } from "./decode.ts";

/**
 * Messages of one partition as columns, which go from a thread to another several times faster than
 * an object each. What the producer set beside the body stays behind.
 */
export interface PackedMessages {
  sequenceNumbers: Float64Array<ArrayBuffer>;
  /** Microseconds since 1970. */
  enqueuedTimes: Float64Array<ArrayBuffer>;
  offsets: string[];
  bodies: string[];
  /** Indices of the bodies that are base64. */
  base64: number[];
}

/** Packs messages of one partition. */
export function packMessages(messages: readonly HubMessage[]): PackedMessages {
  return {
    sequenceNumbers: Float64Array.from(messages, (message) => message.sequenceNumber),
    enqueuedTimes: Float64Array.from(messages, (message) => message.enqueuedTime),
    offsets: messages.map((message) => message.offset),
    bodies: messages.map((message) => message.body),
    base64: messages.flatMap(({ bodyEncoding }, i) => bodyEncoding === null ? [] : [i]),
  };
}

/** The messages of a partition that were packed. */
export function unpackMessages(partition: number, packed: PackedMessages): HubMessage[] {
  const { sequenceNumbers, enqueuedTimes, offsets, bodies } = packed;
  const base64 = new Set(packed.base64);
  return bodies.map((body, i) => ({
    partition,
    sequenceNumber: sequenceNumbers[i]!,
    offset: offsets[i]!,
    enqueuedTime: enqueuedTimes[i]!,
    body,
    bodyEncoding: base64.has(i) ? "base64" : null,
  }));
}
