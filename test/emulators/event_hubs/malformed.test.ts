import assert from "node:assert/strict";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { createToken, type EventHubs } from "../../../lib/emulators/event_hubs/mod.ts";
import { parseTransfer } from "../../../lib/emulators/event_hubs/message.ts";
import { frameSplitter } from "../../../lib/emulators/event_hubs/socket.ts";
import { checkValue, DecodeError } from "../../../lib/emulators/event_hubs/wire.ts";
import { AMQP_HEADER, SASL_HEADER } from "./raw_client.ts";
import { HUB, receive, withEventHubs, withProducer } from "./support.ts";

const SASL_INIT = frame(1, list(0x41, symbol("ANONYMOUS")));
const OPEN = frame(0, list(0x10, string("fuzz")));
const BEGIN = frame(0, list(0x11, NULL(), uint(0), uint(2048), uint(2048)));
const OPENING = Buffer.concat([SASL_HEADER, SASL_INIT, AMQP_HEADER, OPEN, BEGIN]);

Deno.test("any bytes either are a value that ends where it says, or a DecodeError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (array) => {
      const bytes = Buffer.from(array);
      try {
        const end = checkValue(bytes, 0, bytes.length);
        assert.ok(end > 0 && end <= bytes.length);
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

Deno.test("a value that was checked stays the same value however it is cut off", () => {
  const value = list(0x70, string("text"), uint(7), list(0x71, symbol("s"), NULL()));
  assert.equal(checkValue(value, 0, value.length), value.length);
  for (let end = 0; end < value.length; end++) {
    assert.throws(() => checkValue(value, 0, end), DecodeError);
  }
});

Deno.test("lists that count billions of items, or nest for ever, are refused without being built", () => {
  const counted = Buffer.from([0xd0, 0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff]);
  assert.throws(() => checkValue(counted, 0, counted.length), DecodeError);
  const empties = Buffer.from([0xf0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x40]);
  assert.throws(() => checkValue(empties, 0, empties.length), DecodeError);
  const nested = Buffer.alloc(10_000, 0x00);
  assert.throws(() => checkValue(nested, 0, nested.length), DecodeError);
});

Deno.test("any payload of a transfer is messages or a DecodeError", () => {
  const format = fc.constantFrom(0, 0x80013700);
  fc.assert(
    fc.property(mutated(batchPayload()), format, (payload, form) => {
      try {
        const messages = parseTransfer(payload, form);
        assert.ok(messages.length > 0);
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

Deno.test("frames come out of the splitter the same however the stream is cut", () => {
  const stream = Buffer.concat([OPENING, ATTACH(), frame(0, list(0x18))]);
  const whole = Buffer.concat([...frameSplitter()(stream)]);
  assert.ok(whole.equals(stream));
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length)), (cuts) => {
      const split = frameSplitter();
      const ends = [...cuts.sort((a, b) => a - b), stream.length];
      const out: Buffer[] = [];
      ends.reduce((from, to) => (out.push(...split(stream.subarray(from, to))), to), 0);
      assert.ok(Buffer.concat(out).equals(stream));
    }),
    { numRuns: 200 },
  );
});

Deno.test("random and mutated streams end only their own connection", async () => {
  await withEventHubs(async (server) => {
    const dialogue = Buffer.concat([OPENING, PUT_TOKEN(server), ATTACH(), FLOW(), TRANSFER()]);
    const streams = fc.oneof(
      {
        weight: 1,
        arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      },
      { weight: 6, arbitrary: mutated(dialogue) },
      { weight: 2, arbitrary: shuffledFrames(server) },
    );
    await fc.assert(
      fc.asyncProperty(streams, async (stream) => {
        await converse(server, stream);
      }),
      { numRuns: 250 },
    );
    await withProducer(server, async (producer) => {
      await producer.sendBatch([{ body: "well" }], { partitionId: "3" });
      await producer.getEventHubProperties();
    });
    const events = await receive(server, { count: 1, partition: "3" });
    assert.equal(events.at(-1)!.body, "well");
  });
});

Deno.test("what a client is told when its frames are wrong", async () => {
  const cases: [string, Buffer, RegExp][] = [
    ["a frame of a gigabyte", u32(0x40000000), /frame of 1073741824 bytes/],
    ["a frame without performative", frame(0, Buffer.from([0x45])), /no AMQP performative/],
    ["a list cut off", frame(0, Buffer.from([0, 0x53, 0x12, 0xc0, 200, 5])), /beyond byte/],
    ["an unknown channel", frame(0, list(0x13), 77), /invalid channel 77/],
    ["a second open", OPEN, /Open already received/],
  ];
  await withEventHubs(async (server) => {
    for (const [what, bytes, told] of cases) {
      const answer = await converse(server, Buffer.concat([OPENING, bytes]), 400);
      assert.match(answer.toString("latin1"), told, what);
      assert.match(answer.toString("latin1"), /amqp:connection:framing-error/, what);
    }
  });
});

Deno.test("a message that is no AMQP is refused, and its producer may go on", async () => {
  await withEventHubs(async (server) => {
    const good = TRANSFER(1, message("fine"));
    const bad = TRANSFER(0, Buffer.from([0, 0x53, 0x72, 0xd1, 0, 0, 0, 9, 0, 0, 0, 200]));
    const stream = Buffer.concat([OPENING, PUT_TOKEN(server), ATTACH(), bad, good]);
    const answer = await converse(server, stream, 400);
    assert.match(answer.toString("latin1"), /amqp:decode-error/);
    const [event] = await receive(server, { count: 1, partition: "0" });
    assert.equal(event!.sequenceNumber, 0);
    assert.equal(event!.body, "fine");
  });
});

/** Sends a stream and gives what is answered until the server closes or says nothing more. */
async function converse(server: EventHubs, stream: Buffer, patienceMs = 40): Promise<Buffer> {
  const socket: Socket = connect(server.port, "127.0.0.1");
  const answers: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  let timer = setTimeout(resolve, patienceMs + 200);
  socket.on("data", (bytes: Buffer) => {
    answers.push(bytes);
    clearTimeout(timer);
    timer = setTimeout(resolve, patienceMs);
  });
  socket.on("error", () => resolve());
  socket.on("close", () => resolve());
  socket.write(stream);
  await promise;
  clearTimeout(timer);
  socket.destroy();
  await new Promise<void>((closed) => socket.closed ? closed() : socket.once("close", closed));
  return Buffer.concat(answers);
}

/** The bytes with some of them changed, cut out or doubled. */
function mutated(bytes: Buffer): fc.Arbitrary<Buffer> {
  const change = fc.record({
    at: fc.nat(bytes.length - 1),
    value: fc.nat(255),
    kind: fc.constantFrom("set", "set", "set", "cut", "double"),
    length: fc.integer({ min: 1, max: 12 }),
  });
  return fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) =>
    changes.reduce((now: Buffer, { at, value, kind, length }) => {
      const to = Math.min(now.length, at + length);
      if (kind === "cut") return Buffer.concat([now.subarray(0, at), now.subarray(to)]);
      if (kind === "double") return Buffer.concat([now.subarray(0, to), now.subarray(at)]);
      const copy = Buffer.from(now);
      copy[at] = value;
      return copy;
    }, bytes)
  );
}

/** Well-formed frames in an order that makes no sense. */
function shuffledFrames(server: EventHubs): fc.Arbitrary<Buffer> {
  const frames = [
    OPEN,
    BEGIN,
    ATTACH(),
    FLOW(),
    TRANSFER(),
    PUT_TOKEN(server),
    frame(0, list(0x13, uint(0), uint(0xffffffff), uint(0), uint(1), uint(0), uint(9), uint(9))),
    frame(0, list(0x15, TRUE(), uint(0), uint(0xffffffff), TRUE())),
    frame(0, list(0x16, uint(0), TRUE())),
    frame(0, list(0x17)),
  ];
  return fc.array(fc.constantFrom(...frames), { minLength: 1, maxLength: 12 })
    .map((some) => Buffer.concat([SASL_HEADER, SASL_INIT, AMQP_HEADER, ...some]));
}

function PUT_TOKEN(server: EventHubs): Buffer {
  const token = createToken(`sb://127.0.0.1/${HUB}`, server.keys[0]!, Date.now() + 3_600_000);
  const properties = map(
    0x74,
    string("operation"),
    string("put-token"),
    string("type"),
    string("servicebus.windows.net:sastoken"),
  );
  const request = Buffer.concat([
    list(0x73, string("1"), NULL(), NULL(), NULL(), string("r")),
    properties,
    described(0x77, string(token)),
  ]);
  return Buffer.concat([
    frame(
      0,
      list(0x12, string("ask"), uint(7), FALSE(), NULL(), NULL(), list(0x28), target("$cbs")),
    ),
    frame(
      0,
      list(
        0x12,
        string("answer"),
        uint(8),
        TRUE(),
        NULL(),
        NULL(),
        list(0x28, string("$cbs")),
        target("r"),
      ),
    ),
    frame(0, Buffer.concat([transfer(7, 0), request])),
  ]);
}

function ATTACH(): Buffer {
  const fields = [string("fuzz"), uint(0), FALSE(), NULL(), NULL(), list(0x28)];
  const address = target(`${HUB}/Partitions/0`);
  return frame(0, list(0x12, ...fields, address, NULL(), NULL(), uint(0)));
}

function FLOW(): Buffer {
  return frame(0, list(0x13, uint(0), uint(2048), uint(0), uint(2048)));
}

/** Delivery ids count over the session: the token's transfer was number 0. */
function TRANSFER(number = 0, payload = message("x")): Buffer {
  return frame(0, Buffer.concat([transfer(0, 1 + number), payload]));
}

function transfer(handle: number, id: number): Buffer {
  return list(0x14, uint(handle), uint(id), Buffer.from([0xa0, 1, id]), uint(0));
}

function message(body: string): Buffer {
  return described(0x77, string(body));
}

function batchPayload(): Buffer {
  const annotated = Buffer.concat([
    map(0x72, symbol("x-opt-partition-key"), string("key"), symbol("own"), uint(3)),
    list(0x73, string("id")),
    map(0x74, string("a"), string("b")),
    described(0x75, binary(Buffer.from("body"))),
  ]);
  const section = described(0x75, binary(annotated));
  return Buffer.concat([map(0x72, symbol("x-opt-partition-key"), string("key")), section, section]);
}

function target(address: string): Buffer {
  return list(0x29, string(address));
}

function frame(type: number, body: Buffer, channel = 0): Buffer {
  return Buffer.concat([u32(body.length + 8), Buffer.from([2, type, 0, channel]), body]);
}

function list(code: number, ...items: Buffer[]): Buffer {
  const content = Buffer.concat(items);
  const head = Buffer.from([0xd0]);
  return described(
    code,
    Buffer.concat([head, u32(content.length + 4), u32(items.length), content]),
  );
}

function map(code: number, ...items: Buffer[]): Buffer {
  const content = Buffer.concat(items);
  const head = Buffer.from([0xd1]);
  return described(
    code,
    Buffer.concat([head, u32(content.length + 4), u32(items.length), content]),
  );
}

function described(code: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x00, 0x53, code]), value]);
}

function string(text: string): Buffer {
  return Buffer.concat([Buffer.from([0xb1]), u32(Buffer.byteLength(text)), Buffer.from(text)]);
}

function symbol(text: string): Buffer {
  return Buffer.concat([Buffer.from([0xa3, text.length]), Buffer.from(text)]);
}

function binary(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0xb0]), u32(bytes.length), bytes]);
}

function uint(value: number): Buffer {
  return Buffer.concat([Buffer.from([0x70]), u32(value)]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function NULL(): Buffer {
  return Buffer.from([0x40]);
}

function TRUE(): Buffer {
  return Buffer.from([0x41]);
}

function FALSE(): Buffer {
  return Buffer.from([0x42]);
}
