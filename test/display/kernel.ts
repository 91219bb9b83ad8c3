import { createHmac, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A Jupyter message as these tests need it. */
export interface Message {
  type: string;
  parent: string;
  // deno-lint-ignore no-explicit-any
  content: Record<string, any>;
}

/** A running Deno Jupyter kernel. */
export interface TestKernel {
  /** Runs a cell and returns what it put on iopub, in order, up to idle plus a short drain. */
  run(code: string): Promise<Message[]>;
  close(): Promise<void>;
}

/** Starts a real Deno Jupyter kernel in `directory` and connects a small ZMTP 3.0 client. */
export async function startKernel(directory: string): Promise<TestKernel> {
  const ports = await Promise.all(Array.from({ length: 5 }, freePort));
  const [shell_port, iopub_port, stdin_port, control_port, hb_port] = ports as number[];
  const key = randomUUID();
  const temporary = mkdtempSync(join(tmpdir(), "clickstream-kernel-"));
  const file = join(temporary, "connection.json");
  writeFileSync(
    file,
    JSON.stringify({
      ...{ ip: "127.0.0.1", transport: "tcp", key, signature_scheme: "hmac-sha256" },
      ...{ shell_port, iopub_port, stdin_port, control_port, hb_port, kernel_name: "deno" },
    }),
  );
  // Not node's spawn: Deno rewrites the arguments when the program is Deno itself.
  const child = new Deno.Command(Deno.execPath(), {
    args: ["jupyter", "--kernel", "--conn", file],
    cwd: directory,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const iopub = await connect(iopub_port!, "SUB");
  await iopub.send([new Uint8Array([1])]);
  const shell = await connect(shell_port!, "DEALER");
  const received: Message[] = [];
  let wake = () => {};
  const pump = (async () => {
    for (let frames = await iopub.read(); frames !== null; frames = await iopub.read()) {
      const message = parse(frames);
      if (message) received.push(message);
      wake();
    }
  })();
  const drain = (async () => {
    while ((await shell.read()) !== null);
  })();
  const nextWake = () => new Promise<void>((resolve) => wake = resolve);

  async function run(code: string): Promise<Message[]> {
    const id = randomUUID();
    const parts = [
      {
        ...{ msg_id: id, session: "test", username: "test", date: new Date().toISOString() },
        ...{ msg_type: "execute_request", version: "5.3" },
      },
      {},
      {},
      { code, silent: false, store_history: true, allow_stdin: false, stop_on_error: true },
    ].map((part) => JSON.stringify(part));
    const signature = createHmac("sha256", key).update(parts.join("")).digest("hex");
    const text = new TextEncoder();
    await shell.send(["<IDS|MSG>", signature, ...parts].map((part) => text.encode(part)));
    const mine = () => received.filter((message) => message.parent === id);
    while (!mine().some((m) => m.type === "status" && m.content.execution_state === "idle")) {
      await nextWake();
    }
    return mine().filter((message) => message.type !== "status");
  }

  async function close(): Promise<void> {
    child.kill("SIGKILL");
    await child.status;
    await Promise.all([pump, drain]);
    iopub.close();
    shell.close();
    rmSync(temporary, { recursive: true, force: true });
  }
  await run("0"); // the subscription has reached the kernel once this answers
  return { run, close };
}

function parse(frames: Uint8Array[]): Message | undefined {
  const texts = frames.map((frame) => new TextDecoder().decode(frame));
  const start = texts.indexOf("<IDS|MSG>");
  if (start < 0) return undefined;
  const [header, parent, , content] = texts.slice(start + 2).map((text) => JSON.parse(text));
  return { type: header.msg_type, parent: parent.msg_id ?? "", content };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

interface Socket {
  send(frames: Uint8Array[]): Promise<void>;
  read(): Promise<Uint8Array[] | null>;
  close(): void;
}

async function connect(port: number, type: string): Promise<Socket> {
  const connection = await dial(port);
  const greeting = new Uint8Array(64);
  greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x7f, 3, 0]);
  greeting.set(new TextEncoder().encode("NULL"), 12);
  let buffered: Uint8Array = new Uint8Array(0);

  async function take(count: number): Promise<Uint8Array | null> {
    while (buffered.length < count) {
      const chunk = new Uint8Array(65536);
      const read = await connection.read(chunk).catch(() => null);
      if (read === null) return null;
      const joined = new Uint8Array(buffered.length + read);
      joined.set(buffered);
      joined.set(chunk.subarray(0, read), buffered.length);
      buffered = joined;
    }
    const taken = buffered.slice(0, count);
    buffered = buffered.slice(count);
    return taken;
  }

  async function readFrame(): Promise<{ flags: number; body: Uint8Array } | null> {
    const flags = (await take(1))?.[0];
    if (flags === undefined) return null;
    const sizeBytes = await take(flags & 2 ? 8 : 1);
    if (sizeBytes === null) return null;
    const view = new DataView(sizeBytes.buffer);
    const size = flags & 2 ? Number(view.getBigUint64(0)) : view.getUint8(0);
    const body = await take(size);
    return body === null ? null : { flags, body };
  }

  async function read(): Promise<Uint8Array[] | null> {
    const frames: Uint8Array[] = [];
    for (;;) {
      const frame = await readFrame();
      if (frame === null) return null;
      if (frame.flags & 4) continue;
      frames.push(frame.body);
      if (!(frame.flags & 1)) return frames;
    }
  }

  const send = async (frames: Uint8Array[]) => {
    for (const [index, body] of frames.entries()) {
      await writeAll(connection, encode(body, index < frames.length - 1 ? 1 : 0));
    }
  };
  await writeAll(connection, greeting);
  await take(64);
  await writeAll(connection, encode(ready(type), 4));
  await readFrame();
  return { send, read, close: () => connection.close() };
}

async function dial(port: number): Promise<Deno.TcpConn> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    try {
      return await Deno.connect({ hostname: "127.0.0.1", port });
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function ready(type: string): Uint8Array {
  const text = new TextEncoder();
  const property = (name: string, value: string) => [
    name.length,
    ...text.encode(name),
    ...[0, 0, 0, value.length],
    ...text.encode(value),
  ];
  return new Uint8Array([
    5,
    ...text.encode("READY"),
    ...property("Socket-Type", type),
    ...property("Identity", ""),
  ]);
}

function encode(body: Uint8Array, flags: number): Uint8Array {
  const frame = new Uint8Array(9 + body.length);
  frame[0] = flags | 2;
  new DataView(frame.buffer).setBigUint64(1, BigInt(body.length));
  frame.set(body, 9);
  return frame;
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await connection.write(bytes.subarray(written));
  }
}
