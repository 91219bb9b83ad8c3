import { type ByteReader, byteReader, concatBytes } from "../kernel/bytes.ts";
import {
  COMMAND,
  decodeKernelMessage,
  encodeFrame,
  encodeKernelMessage,
  encodeMessage,
  GREETING_BYTES,
  type KernelMessage,
  MORE,
  newMessage,
  readFrame,
  writeAll,
} from "../kernel/mod.ts";

/** The two ends of a channel that is relayed. */
export interface Ends {
  /** Connection of a Jupyter client. */
  client: Deno.Conn;
  /** Connection to the kernel's own port. */
  kernel: Deno.Conn;
  /** Key that signs the messages. */
  key: string;
}

/** How the control channel of a kernel is relayed. */
export interface RelayOptions extends Ends {
  /**
   * Asked when the client wants an interrupt: true when it is done, so that the kernel is not told.
   */
  interrupt: () => Promise<boolean>;
}

/**
 * Passes all that one client and the kernel say to each other on the control channel on, but for
 * interrupts that `interrupt` takes: those are answered here. Ends when one side closes.
 */
export async function relayControl({ interrupt, ...ends }: RelayOptions): Promise<void> {
  await relay(ends, async (request, toClient) => {
    if (request.header.msg_type !== "interrupt_request" || !await interrupt()) return false;
    const reply = newMessage("interrupt_reply", { status: "ok" }, request.header.session);
    reply.parent_header = request.header;
    await toClient(encodeMessage(encodeKernelMessage(reply, ends.key)));
    return true;
  }, () => {});
}

/** Passes all on, and tells of what the kernel says. Ends when one side closes. */
export async function relayWatched(
  ends: Ends,
  watch: (message: KernelMessage) => void,
): Promise<void> {
  await relay(ends, () => Promise.resolve(false), watch);
}

async function relay(
  { client, kernel, key }: Ends,
  take: (request: KernelMessage, toClient: Send) => Promise<boolean>,
  watch: (message: KernelMessage) => void,
): Promise<void> {
  const toClient = inOrder(client);
  const up = pass(byteReader(client), inOrder(kernel), async (frames) => {
    const request = messageOf(frames, key);
    return request !== undefined && await take(request, toClient);
  });
  const down = pass(byteReader(kernel), toClient, (frames) => {
    const message = messageOf(frames, key);
    if (message !== undefined) watch(message);
    return Promise.resolve(false);
  });
  await Promise.race([up, down]).catch(() => {});
  for (const side of [client, kernel]) {
    try {
      side.close();
    } catch {
      // Closed already.
    }
  }
  await Promise.allSettled([up, down]);
}

type Send = (bytes: Uint8Array) => Promise<void>;

/** Writes of one message after the other, never one into another. */
function inOrder(connection: Deno.Conn): Send {
  let writing: Promise<void> = Promise.resolve();
  return (bytes) => writing = writing.then(() => writeAll(connection, bytes));
}

/** Passes the greeting and then whole messages on, but for those that `take` keeps. */
async function pass(
  from: ByteReader,
  send: Send,
  take: (frames: Uint8Array[]) => Promise<boolean>,
): Promise<void> {
  const greeting = await from.read(GREETING_BYTES);
  if (greeting === null) return;
  await send(greeting);
  let frames: Uint8Array[] = [];
  for (let frame = await readFrame(from); frame; frame = await readFrame(from)) {
    if (frame.command) {
      await send(concatBytes(encodeFrame(frame.body, COMMAND | (frame.more ? MORE : 0))));
      continue;
    }
    frames.push(frame.body);
    if (frame.more) continue;
    if (!await take(frames)) await send(encodeMessage(frames));
    frames = [];
  }
}

/** A message that cannot be read is the kernel's to refuse. */
function messageOf(frames: Uint8Array[], key: string): KernelMessage | undefined {
  try {
    return decodeKernelMessage(frames, key);
  } catch {
    return undefined;
  }
}
