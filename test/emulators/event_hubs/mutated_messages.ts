import fc from "fast-check";
import { Buffer } from "node:buffer";
import rhea from "rhea";
import {
  type EnqueuedMessage,
  messageSize,
  writeMessage,
} from "../../../lib/emulators/event_hubs/message.ts";

const { message, types } = rhea;
const NOTHING = Buffer.alloc(0);
/** Type codes and descriptors: what hurts most where another one stood. */
const TELLING = [
  ...[0x00, 0x40, 0x45, 0x53, 0x70, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x80],
  ...[0xa0, 0xa1, 0xaf, 0xb0, 0xb1, 0xc0, 0xc1, 0xd0, 0xd1, 0xe0, 0xf0, 0xff],
];

const bodies = [
  message.data_section(Buffer.from("body")),
  message.data_sections([Buffer.from("two"), Buffer.from("sections")]),
  message.sequence_section([1, "x", { nested: [true] }]),
  { a: [1, "zwei", { c: null }] },
  "text ü",
  types.wrap_array([1, 2, 3], 0x71, undefined),
];

/** A message with every section and most types in it, as an SDK encodes it. */
export function fullMessage(body: unknown): Buffer {
  return message.encode({
    durable: true,
    priority: 4,
    ttl: 1000,
    message_annotations: {
      "x-opt-partition-key": "key",
      own: 3,
      long: types.wrap_long(7),
      when: types.wrap_timestamp(1234),
    },
    message_id: "id",
    user_id: Buffer.from("me"),
    correlation_id: types.wrap_uuid(Buffer.alloc(16, 7)),
    content_type: "application/json",
    creation_time: 17,
    group_sequence: 7,
    application_properties: {
      text: "b",
      number: 1.5,
      yes: true,
      list: types.wrap_list([1, 2, 3]),
    },
    footer: { x: 1 },
    body,
  } as never);
}

/** A full message with a few bytes changed, cut out or doubled. */
export const mutatedMessages: fc.Arbitrary<Buffer> = fc.record({
  body: fc.constantFrom(...bodies),
  changes: fc.array(
    fc.record({
      at: fc.nat(999),
      value: fc.oneof(fc.constantFrom(...TELLING), fc.nat(255)),
      kind: fc.constantFrom("set", "set", "set", "set", "cut", "double"),
      length: fc.integer({ min: 1, max: 8 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
}).map(({ body, changes }) =>
  changes.reduce((now: Buffer, { at: permille, value, kind, length }) => {
    const at = Math.floor(permille * now.length / 1000);
    const to = Math.min(now.length, at + length);
    if (kind === "cut") return Buffer.concat([now.subarray(0, at), now.subarray(to)]);
    if (kind === "double") return Buffer.concat([now.subarray(0, to), now.subarray(at)]);
    const copy = Buffer.from(now);
    copy[at] = value;
    return copy;
  }, fullMessage(body))
);

/** A kept message as consumers are sent it. */
export function asDelivered(stored: Omit<EnqueuedMessage, "sequence" | "offset" | "enqueuedMs">) {
  const whole = { ...stored, sequence: 5, offset: 100, enqueuedMs: 1e12 };
  const target = Buffer.alloc(messageSize(whole, NOTHING));
  return target.subarray(0, writeMessage(target, 0, whole, NOTHING));
}
