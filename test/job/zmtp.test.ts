import assert from "node:assert/strict";
import fc from "fast-check";
import { byteReader, concatBytes } from "../../lib/job/kernel/bytes.ts";
import { connectZmtp, encodeMessage, KernelError } from "../../lib/job/kernel/mod.ts";

/** A server for one connection that plays the other side of ZMTP. */
async function serve(
  play: (connection: Deno.Conn) => Promise<void>,
  body: (port: number) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    const connection = await listener.accept();
    try {
      await play(connection);
    } finally {
      connection.close();
    }
  })();
  try {
    await body((listener.addr as Deno.NetAddr).port);
  } finally {
    await serving;
    listener.close();
  }
}

function greeting(mechanism: string, major = 3): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, major, 0]);
  bytes.set(new TextEncoder().encode(mechanism), 12);
  return bytes;
}

const ready = Uint8Array.from([4, 6, 5, ...new TextEncoder().encode("READY")]);

async function readSome(connection: Deno.Conn, bytes: number): Promise<Uint8Array> {
  return (await byteReader(connection).read(bytes))!;
}

Deno.test("messages of any frames survive the way there and back, however they are cut up", async () => {
  const frames = fc.array(fc.uint8Array({ maxLength: 700 }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(frames, { maxLength: 4 }),
      fc.integer({ min: 1, max: 500 }),
      async (messages, piece) => {
        const all = concatBytes(messages.map(encodeMessage));
        await serve(async (connection) => {
          await connection.write(concatBytes([greeting("NULL"), ready]));
          await readSome(connection, 64);
          for (let at = 0; at < all.length; at += piece) {
            await connection.write(all.slice(at, at + piece));
          }
        }, async (port) => {
          const socket = await connectZmtp({ hostname: "127.0.0.1", port, type: "DEALER" });
          for (const message of messages) assert.deepEqual(await socket.receive(), message);
          assert.equal(await socket.receive(), null);
          socket.close();
        });
      },
    ),
    { numRuns: 25 },
  );
});

Deno.test("what speaks another protocol, an older version or wants a password is refused", async () => {
  const answers = [
    new TextEncoder().encode(`HTTP/1.1 400 Bad Request\r\n\r\n${" ".repeat(64)}`),
    greeting("NULL", 2),
    greeting("CURVE"),
    greeting("NULL").slice(0, 20),
  ];
  for (const answer of answers) {
    await serve(async (connection) => {
      await connection.write(answer);
      await readSome(connection, 64);
    }, async (port) => {
      const connecting = connectZmtp({ hostname: "127.0.0.1", port, type: "SUB" });
      await assert.rejects(connecting, KernelError);
    });
  }
});

Deno.test("a subscriber subscribes to everything, a dealer names its identity", async () => {
  await serve(async (connection) => {
    await connection.write(concatBytes([greeting("NULL"), ready]));
    const reader = byteReader(connection);
    await reader.read(64);
    const command = await reader.read(2);
    const body = new TextDecoder().decode((await reader.read(command![1]!))!);
    assert.match(body, /Socket-Type/);
    assert.match(body, /SUB/);
    assert.deepEqual(await reader.read(3), Uint8Array.of(0, 1, 1));
  }, async (port) => {
    const socket = await connectZmtp({ hostname: "127.0.0.1", port, type: "SUB" });
    assert.equal(await socket.receive(), null);
    socket.close();
  });
});
