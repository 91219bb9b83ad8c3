import assert from "node:assert/strict";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import rhea from "rhea";
import { parseTransfer, type StoredMessage } from "../../../lib/emulators/event_hubs/message.ts";
import { DecodeError } from "../../../lib/emulators/event_hubs/wire.ts";
import { asDelivered, fullMessage, mutatedMessages } from "./mutated_messages.ts";

Deno.test("whatever is kept of a mutated message, consumers can read to its last value", () => {
  let kept = 0;
  fc.assert(
    fc.property(mutatedMessages, (payload) => {
      let messages: StoredMessage[];
      try {
        messages = parseTransfer(payload, 0);
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error));
        return;
      }
      for (const one of messages) {
        const read = rhea.message.decode(asDelivered(one));
        assert.equal(read.message_annotations?.["x-opt-sequence-number"], 5);
        assert.equal(read.message_annotations?.["x-opt-offset"], "100");
      }
      kept++;
    }),
    { numRuns: 4000 },
  );
  assert.ok(kept > 200, `only ${kept} were kept: the property says little`);
});

const wrong: [string, string, RegExp][] = [
  ["a body of text where data should be", "005375a10161", /holds no binary/],
  ["a sequence that is no list", "005376a10161", /holds no list/],
  ["application properties with a key alone", "005374c10401a10161", /key without a value/],
  ["text that is not UTF-8", "005377a101ff", /not UTF-8/],
  ["two values", "0053774000537740", /more than one section for value/],
  ["data beside a value", "005375a0016100537740", /bodies of two kinds/],
  ["six fields in the header", "005370c00706404040404040", /6 fields/],
  ["a list cut off inside the body", "005377c0050300", /beyond byte|longer than|reaches|counts/],
];

for (const [what, hex, message] of wrong) {
  Deno.test(`refused: ${what}`, () => {
    const section = Buffer.from(hex, "hex");
    assert.throws(() => parseTransfer(section, 0), { name: "DecodeError", message });
  });
}

Deno.test("a message with every section comes back as it was sent", () => {
  const [stored] = parseTransfer(fullMessage("text"), 0);
  const read = rhea.message.decode(asDelivered(stored!));
  assert.equal(read.body, "text");
  assert.equal(read.ttl, 1000);
  assert.equal(read.message_id, "id");
  assert.deepEqual(read.footer, { x: 1 });
  assert.equal(read.message_annotations?.["x-opt-partition-key"], "key");
});
