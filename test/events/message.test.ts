import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type EventMessage,
  formatTime,
  messageOf,
  parseMessage,
  parseTime,
  SchemaError,
} from "clickstream/events";

const event: EventMessage = {
  event_time: 1600948626000000n,
  event_type: "view",
  product_id: 1996170n,
  category_id: 2144415922528452715n,
  category_code: "electronics.telephone",
  brand: null,
  price: 31.9,
  user_id: 1515915625519388267n,
  user_session: "LJuJVLEjPT",
  staged_row: 7n,
  ingest_ts: 1600948626000001n,
};

Deno.test("a message carries ids as integer literals and times with microseconds", () => {
  assert.equal(
    messageOf(event),
    '{"event_time":"2020-09-24T11:57:06.000000Z","event_type":"view","product_id":1996170,' +
      '"category_id":2144415922528452715,"category_code":"electronics.telephone","brand":null,' +
      '"price":31.9,"user_id":1515915625519388267,"user_session":"LJuJVLEjPT","staged_row":7,' +
      '"ingest_ts":"2020-09-24T11:57:06.000001Z"}',
  );
});

Deno.test("neighbouring ids beyond 2^53 stay apart through a message", () => {
  for (const user_id of [1515915625353900094n, 1515915625353900095n, 1515915625353900096n]) {
    assert.deepEqual(parseMessage(messageOf({ ...event, user_id })), {
      message: { ...event, user_id },
    });
  }
});

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const text = fc.option(fc.string({ minLength: 1, unit: "binary" }).filter((s) => s.isWellFormed()));
const anyMessage: fc.Arbitrary<EventMessage> = fc.record({
  event_time: fc.bigInt({ min: 0n, max: 253402300799999999n }),
  event_type: fc.string({ minLength: 1 }),
  product_id: int64,
  category_id: fc.option(int64),
  category_code: text,
  brand: text,
  price: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }).map((p) => p + 0)),
  user_id: int64,
  user_session: text,
  staged_row: fc.option(int64),
  ingest_ts: fc.option(fc.bigInt({ min: 0n, max: 253402300799999999n })),
}, { noNullPrototype: true });

Deno.test("every event comes back from its message as it was", () => {
  fc.assert(fc.property(anyMessage, (message) => {
    assert.deepEqual(parseMessage(messageOf(message)), { message });
  }));
});

Deno.test("a body that is no JSON object is malformed", () => {
  for (const body of ["", "{", "null", "[1]", '"text"', "12", '{"event_time":']) {
    const parsed = parseMessage(body);
    assert.equal("reason" in parsed && parsed.reason, "malformed", body);
  }
});

Deno.test("an object that is no event is invalid, and the detail names the field", () => {
  const fields = JSON.parse(messageOf({ ...event, product_id: 1n, category_id: 2n, user_id: 3n }));
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ user_id: null }, /^user_id is null, expected a whole number of 64 bits$/],
    [{ product_id: 1.5 }, /^product_id is 1.5/],
    [{ product_id: "9223372036854775808" }, /^product_id is 9223372036854775808/],
    [{ category_id: "shoes" }, /^category_id is "shoes"/],
    [{ event_time: "yesterday" }, /^event_time is "yesterday", expected an ISO 8601 time$/],
    [{ event_time: "2020-02-30T00:00:00Z" }, /^event_time/],
    [{ event_type: null }, /^event_type is null, expected a text$/],
    [{ event_type: "" }, /^event_type/],
    [{ price: "dear" }, /^price is "dear", expected a number$/],
    [{ brand: { name: "x" } }, /^brand/],
    [{ staged_row: "x" }, /^staged_row/],
    [{ ingest_ts: "x" }, /^ingest_ts is "x", expected an ISO 8601 time$/],
  ];
  for (const [change, detail] of cases) {
    const parsed = parseMessage(JSON.stringify({ ...fields, ...change }));
    assert.ok("reason" in parsed, JSON.stringify(change));
    assert.equal(parsed.reason, "invalid");
    assert.match(parsed.detail, detail);
  }
});

Deno.test("a number outside int64 or with a fraction is never rounded", () => {
  for (const id of ["9223372036854775808", "1e3", "1.0", "-9223372036854775809"]) {
    const body = messageOf(event).replace("1515915625519388267", id);
    assert.ok("reason" in parseMessage(body), id);
  }
});

Deno.test("a message may leave out what an event may lack", () => {
  const body = '{"event_time":"2020-09-24 11:57:06 UTC","event_type":"view","product_id":1,' +
    '"user_id":"2","brand":"","extra":[1,{"user_id":5}]}';
  const parsed = parseMessage(body);
  assert.ok("message" in parsed);
  assert.equal(parsed.message.user_id, 2n);
  assert.equal(parsed.message.brand, null);
  assert.equal(parsed.message.user_session, null);
  assert.equal(parsed.message.staged_row, null);
});

Deno.test("no body makes the reader throw", () => {
  fc.assert(fc.property(fc.oneof(fc.json(), fc.string()), (body) => {
    parseMessage(body);
  }));
});

Deno.test("a price that is not finite is refused when writing", () => {
  assert.throws(() => messageOf({ ...event, price: NaN }), SchemaError);
});

Deno.test("times are read with UTC, Z, an offset or none, and written with microseconds", () => {
  const same = [
    "2020-09-24 11:57:06 UTC",
    "2020-09-24T11:57:06Z",
    "2020-09-24T13:57:06+02:00",
    "2020-09-24T06:27:06.000-0530",
    "2020-09-24 11:57:06",
  ];
  for (const form of same) assert.equal(parseTime(form), 1600948626000000n, form);
  for (const form of ["", "epoch", "2020-09-24", "2020-02-30 00:00:00 UTC", "12:00:00"]) {
    assert.equal(parseTime(form), null, form);
  }
  assert.equal(formatTime(-1n), "1969-12-31T23:59:59.999999Z");
});

Deno.test("the fast way of reading agrees with the long way", () => {
  fc.assert(
    fc.property(anyMessage, fc.nat(), fc.nat(), (message, where, what) => {
      const body = messageOf(message);
      // A space is nothing to JSON, but sends the body the long way.
      assert.deepEqual(parseMessage(body), parseMessage(` ${body}`));
      const at = where % body.length;
      const hurt = body.slice(0, at) + '0",:{x'[what % 6] + body.slice(at + 1);
      const [fast, long] = [parseMessage(hurt), parseMessage(` ${hurt}`)];
      if ("message" in fast || "message" in long) assert.deepEqual(fast, long);
      else assert.equal(fast.reason, long.reason);
    }),
    { numRuns: 1000 },
  );
});
