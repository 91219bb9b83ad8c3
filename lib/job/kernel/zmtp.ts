import { type ByteReader, byteReader, concatBytes } from "./bytes.ts";
import { KernelError } from "./errors.ts";

/** The socket types a Jupyter client speaks as. */
export type SocketType = "DEALER" | "SUB" | "REQ";

/** One ZMTP 3.0 connection after its handshake. A message is a list of frames. */
export interface ZmtpSocket {
  /** Sends one message; messages sent at once keep their order. */
  send(frames: readonly Uint8Array[]): Promise<void>;
  /** The next message, or null once the other side has closed. */
  receive(): Promise<Uint8Array[] | null>;
  close(): void;
}

/** Flag of a frame that another one of the same message follows. */
export const MORE = 0x01;
const LONG = 0x02;
/** Flag of a frame that is no part of a message. */
export const COMMAND = 0x04;
/** Bytes with which each side of a connection begins. */
export const GREETING_BYTES = 64;

/**
 * Connects to a ZeroMQ socket on this machine and shakes hands (ZMTP 3.0, NULL mechanism).
 *
 * @param identity routing id of a DEALER, so that replies on its sibling sockets find it
 * @throws {KernelError} when the other side does not speak ZMTP 3
 */
export async function connectZmtp(
  options: { hostname: string; port: number; type: SocketType; identity?: string },
): Promise<ZmtpSocket> {
  const { hostname, port, type, identity = "" } = options;
  const connection = await Deno.connect({ hostname, port });
  try {
    connection.setNoDelay(true);
    const reader = byteReader(connection);
    await writeAll(connection, greeting());
    await checkGreeting(reader, port);
    await writeAll(connection, readyCommand(type, identity));
    await readReady(reader, port);
    const socket = zmtpSocket(connection, reader);
    if (type === "SUB") await socket.send([Uint8Array.of(1)]);
    return socket;
  } catch (error) {
    closeQuietly(connection);
    throw error;
  }
}

function zmtpSocket(connection: Deno.Conn, reader: ByteReader): ZmtpSocket {
  let sending: Promise<void> = Promise.resolve();
  return {
    send(frames) {
      const bytes = encodeMessage(frames);
      sending = sending.then(() => writeAll(connection, bytes));
      return sending;
    },
    async receive() {
      const frames: Uint8Array[] = [];
      while (true) {
        const frame = await readFrame(reader);
        if (frame === null) return null;
        if (frame.command) continue;
        frames.push(frame.body);
        if (!frame.more) return frames;
      }
    },
    close: () => closeQuietly(connection),
  };
}

/** The bytes of one message: every frame with its flags and size. */
export function encodeMessage(frames: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    frames.flatMap((body, i) => encodeFrame(body, i < frames.length - 1 ? MORE : 0)),
  );
}

/** The bytes of one frame: its flags ({@link MORE}, {@link COMMAND}), its size and its body. */
export function encodeFrame(body: Uint8Array, flags: number): Uint8Array[] {
  if (body.length < 256) return [Uint8Array.of(flags, body.length), body];
  const head = new Uint8Array(9);
  head[0] = flags | LONG;
  new DataView(head.buffer).setBigUint64(1, BigInt(body.length));
  return [head, body];
}

/** One frame as it was sent. */
export interface Frame {
  body: Uint8Array;
  /** Whether another frame of the same message follows. */
  more: boolean;
  /** Whether it is no part of a message. */
  command: boolean;
}

/** The next frame of a connection after its greeting, or null at its end. */
export async function readFrame(reader: ByteReader): Promise<Frame | null> {
  const flags = (await reader.read(1))?.[0];
  if (flags === undefined) return null;
  const size = await reader.read(flags & LONG ? 8 : 1);
  if (size === null) return null;
  const length = flags & LONG
    ? Number(new DataView(size.buffer, size.byteOffset, 8).getBigUint64(0))
    : size[0]!;
  const body = await reader.read(length);
  if (body === null) return null;
  return { body, more: (flags & MORE) !== 0, command: (flags & COMMAND) !== 0 };
}

function greeting(): Uint8Array {
  const bytes = new Uint8Array(GREETING_BYTES);
  bytes[0] = 0xff;
  bytes[9] = 0x7f;
  bytes[10] = 3;
  bytes.set(new TextEncoder().encode("NULL"), 12);
  return bytes;
}

async function checkGreeting(reader: ByteReader, port: number): Promise<void> {
  const bytes = await reader.read(GREETING_BYTES);
  const mechanism = bytes && new TextDecoder().decode(bytes.subarray(12, 16));
  if (bytes === null || bytes[0] !== 0xff || bytes[10]! < 3 || mechanism !== "NULL") {
    throw new KernelError(`Port ${port} does not speak ZMTP 3.0 with the NULL mechanism.`);
  }
}

function readyCommand(type: SocketType, identity: string): Uint8Array {
  const text = new TextEncoder();
  const property = (name: string, value: string): Uint8Array => {
    const [nameBytes, valueBytes] = [text.encode(name), text.encode(value)];
    const size = new Uint8Array(4);
    new DataView(size.buffer).setUint32(0, valueBytes.length);
    return concatBytes([Uint8Array.of(nameBytes.length), nameBytes, size, valueBytes]);
  };
  const body = concatBytes([
    Uint8Array.of(5),
    text.encode("READY"),
    property("Socket-Type", type),
    ...(type === "DEALER" ? [property("Identity", identity)] : []),
  ]);
  return concatBytes(encodeFrame(body, COMMAND));
}

async function readReady(reader: ByteReader, port: number): Promise<void> {
  const frame = await readFrame(reader);
  const name = frame && new TextDecoder().decode(frame.body.subarray(1, 1 + (frame.body[0] ?? 0)));
  if (frame === null || !frame.command || name !== "READY") {
    throw new KernelError(`Port ${port} refused the ZMTP handshake (${name ?? "closed"}).`);
  }
}

/** Writes all bytes, in as many writes as it takes. */
export async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) done += await connection.write(bytes.subarray(done));
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // Closed already by the other side.
  }
}
