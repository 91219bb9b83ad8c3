import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import process from "node:process";
import { checkValue, DecodeError } from "./wire.ts";

/** Largest frame that either side may send. */
export const MAX_FRAME = 65_536;

/** Unsent bytes above which events wait until the client has read. */
const CONGESTED_BYTES = 1024 * 1024;
/** Unsent bytes above which a client that asks and never reads is cut off. */
const HOPELESS_BYTES = 64 * 1024 * 1024;

/** How long a client may take to end its side of a connection that the server has ended. */
const LINGER_MS = 1000;

/**
 * A client's socket, as rhea sees it. Only whole and well-formed frames reach rhea, so malformed
 * bytes cannot hurt it; and what rhea writes piece by piece leaves in one piece.
 */
export interface GuardedSocket extends EventEmitter {
  localAddress: string | undefined;
  localPort: number | undefined;
  remoteAddress: string | undefined;
  remotePort: number | undefined;
  write(bytes: Buffer): void;
  end(): void;
  destroy(): void;
  setNoDelay(on: boolean): void;
  /** Whether events should wait for `drain`. */
  congested(): boolean;
  pause(): void;
  resume(): void;
}

/**
 * Guards a socket. Emits `data` (whole frames), `end`, `error` and `drain`; malformed bytes call
 * `onMalformed` and stop the reading.
 */
export function guardSocket(
  socket: Socket,
  onMalformed: (error: DecodeError) => void,
): GuardedSocket {
  const writer = batchedWriter(socket);
  const guarded: GuardedSocket = Object.assign(new EventEmitter(), {
    localAddress: socket.localAddress,
    localPort: socket.localPort,
    remoteAddress: socket.remoteAddress,
    remotePort: socket.remotePort,
    write: writer.write,
    end: () => {
      writer.flush();
      endSoon(socket);
    },
    destroy: () => void socket.destroy(),
    setNoDelay: (on: boolean) => void socket.setNoDelay(on),
    congested: () => writer.waiting() > CONGESTED_BYTES,
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
  });
  readFrames(socket, guarded, onMalformed);
  socket.on("drain", () => guarded.emit("drain"));
  reportEnd(socket, guarded);
  return guarded;
}

/** Ends a socket; one whose other side does not end it, too, is cut off a little later. */
function endSoon(socket: Socket): void {
  if (socket.destroyed || socket.writableEnded) return;
  socket.end();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
}

function readFrames(
  socket: Socket,
  guarded: GuardedSocket,
  onMalformed: (error: DecodeError) => void,
): void {
  const steps = inTurn();
  const splitter = frameSplitter();
  let broken = false;
  socket.on("data", (bytes: Buffer) => {
    if (broken) return;
    try {
      for (const frames of splitter(bytes)) {
        // rhea ends the SASL layer a little after it has read it: only then may AMQP begin.
        if (isHeader(frames, 0) && frames[4] === 0) steps.later();
        steps.run(() => guarded.emit("data", frames));
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      broken = true;
      steps.run(() => onMalformed(error));
    }
  });
}

/** Emits `end` or `error` once, however the socket comes to its end. */
function reportEnd(socket: Socket, guarded: GuardedSocket): void {
  let over = false;
  const finish = (error?: Error) => {
    if (over) return;
    over = true;
    if (error) guarded.emit("error", error);
    else guarded.emit("end");
    guarded.emit("drain");
  };
  socket.on("error", finish);
  socket.on("end", () => {
    finish();
    endSoon(socket);
  });
  socket.on("close", () => finish());
}

/** Runs steps at once, but from a call of `later` on only in the next turn of the event loop. */
function inTurn() {
  let waiting: (() => void)[] | null = null;
  return {
    run: (step: () => void) => void (waiting === null ? step() : waiting.push(step)),
    later: () => {
      if (waiting !== null) return;
      waiting = [];
      setImmediate(() => {
        const steps = waiting ?? [];
        waiting = null;
        for (const step of steps) step();
      });
    },
  };
}

/** Gathers what is written in one turn of the event loop into one write. */
function batchedWriter(socket: Socket) {
  let pieces: Buffer[] = [];
  let gathered = 0;
  const flush = () => {
    if (pieces.length === 0) return;
    const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, gathered);
    pieces = [];
    gathered = 0;
    if (socket.destroyed || socket.writableEnded) return;
    socket.write(bytes);
    if (socket.writableLength > HOPELESS_BYTES) socket.destroy();
  };
  const write = (bytes: Buffer) => {
    if (pieces.length === 0) process.nextTick(flush);
    pieces.push(bytes);
    gathered += bytes.length;
  };
  return { write, flush, waiting: () => gathered + socket.writableLength };
}

/**
 * Cuts a stream of bytes into runs of whole protocol headers and frames, checking each.
 *
 * @returns a function that takes the next bytes and yields the runs that are complete
 */
export function frameSplitter(): (bytes: Buffer) => Generator<Buffer> {
  let left: Buffer = Buffer.alloc(0);
  return function* (bytes) {
    const all = left.length === 0 ? bytes : Buffer.concat([left, bytes]);
    left = Buffer.alloc(0);
    let from = 0;
    let at = 0;
    try {
      while (at < all.length) {
        const size = sizeAt(all, at);
        if (size === null || at + size > all.length) break;
        if (isHeader(all, at)) {
          // A header changes how rhea reads what follows: it gets a run of its own.
          if (at > from) yield all.subarray(from, at);
          from = at + size;
          yield all.subarray(at, from);
        } else checkFrame(all, at, size);
        at += size;
      }
    } catch (error) {
      if (at > from) yield all.subarray(from, at);
      throw error;
    }
    if (at > from) yield all.subarray(from, at);
    left = all.subarray(at);
  };
}

function isHeader(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0x41 && bytes[at + 1] === 0x4d;
}

function sizeAt(bytes: Buffer, at: number): number | null {
  if (bytes.length - at < 4) return null;
  if (isHeader(bytes, at)) {
    if (bytes.toString("latin1", at, at + 4) !== "AMQP") {
      throw new DecodeError("The protocol header is not AMQP's.");
    }
    return 8;
  }
  const size = bytes.readUInt32BE(at);
  if (size < 8 || size > MAX_FRAME) {
    throw new DecodeError(`A frame of ${size} bytes was sent; 8 to ${MAX_FRAME} are allowed.`);
  }
  return size;
}

function checkFrame(bytes: Buffer, at: number, size: number): void {
  const end = at + size;
  const offset = bytes[at + 4]! * 4;
  if (offset < 8 || offset > size) throw new DecodeError("A frame has a wrong data offset.");
  if (bytes[at + 5]! > 1) throw new DecodeError(`Frame type ${bytes[at + 5]} is unknown.`);
  const body = at + offset;
  if (body === end) return;
  const type = bytes[at + 5]!;
  const known = bytes[body] === 0x00 && bytes[body + 1] === 0x53 &&
    (type === 0 ? inRange(bytes[body + 2], 0x10, 0x18) : inRange(bytes[body + 2], 0x40, 0x44));
  if (!known && !isLongDescriptor(bytes, body, end)) {
    throw new DecodeError("A frame holds no AMQP performative.");
  }
  const after = checkValue(bytes, body, end);
  const code = bytes[body + (bytes[body + 1] === 0x53 ? 3 : 10)];
  if (code !== 0x45 && code !== 0xc0 && code !== 0xd0) {
    throw new DecodeError("The performative of a frame is no list.");
  }
  const transfer = type === 0 && bytes[body + (bytes[body + 1] === 0x53 ? 2 : 9)] === 0x14;
  if (after !== end && !transfer) throw new DecodeError("A frame holds more than a performative.");
}

/** The same descriptor, written in eight bytes. */
function isLongDescriptor(bytes: Buffer, at: number, end: number): boolean {
  if (end - at < 11 || bytes[at] !== 0x00 || bytes[at + 1] !== 0x80) return false;
  if (bytes.readUIntBE(at + 2, 6) !== 0 || bytes[at + 8] !== 0) return false;
  return inRange(bytes[at + 9], 0x10, 0x18) || inRange(bytes[at + 9], 0x40, 0x44);
}

function inRange(value: number | undefined, from: number, to: number): boolean {
  return value !== undefined && value >= from && value <= to;
}
