import assert from "node:assert/strict";
import fc from "fast-check";
import { formatTime, parseTime } from "clickstream/events";

/** Microseconds of the years 100 to 9999: earlier ones no form of a time is read for. */
const moments = fc.bigInt({ min: -59_011_459_200_000_000n, max: 253_402_300_799_999_999n });

Deno.test("a time is read as it was written, to the microsecond, in all years", () => {
  fc.assert(fc.property(moments, (moment) => {
    assert.equal(parseTime(formatTime(moment)), moment);
  }));
});

Deno.test("what is read by its digits is what the general form reads, right or wrong", () => {
  const mutation = fc.record({
    at: fc.integer({ min: 0, max: 25 }),
    to: fc.constantFrom("0", "1", "2", "3", "9", "-", ":", ".", "T", " ", "Z", "é", "５"),
  });
  fc.assert(
    fc.property(moments, fc.array(mutation, { maxLength: 3 }), (moment, mutations) => {
      const text = [...formatTime(moment)];
      for (const { at, to } of mutations) text[at] = to;
      const written = text.join("");
      // The same with another word for UTC is not of the form that is read by its digits.
      assert.equal(parseTime(written), parseTime(written.replace(/Z$/, "UTC")), written);
    }),
    { numRuns: 2000 },
  );
});
