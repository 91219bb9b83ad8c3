import { randomUUID } from "node:crypto";
import { KernelError } from "./errors.ts";
import {
  decodeKernelMessage,
  encodeKernelMessage,
  type KernelMessage,
  newMessage,
} from "./message.ts";
import type { ConnectionInfo } from "./process.ts";
import { connectZmtp, type ZmtpSocket } from "./zmtp.ts";

/** The sockets of one kernel, and the requests that wait for their replies. */
export interface KernelClient {
  /** Sends a request on the shell or control channel and resolves with its reply's content. */
  request(
    channel: "shell" | "control",
    type: string,
    content: Record<string, unknown>,
  ): Promise<Record<string, unknown>>;
  /** Runs code; resolves once its reply has come and the kernel has reported idle for it. */
  execute(code: string, options?: ExecuteOptions): Promise<ExecuteReply>;
  /** True when the heartbeat channel answers within the time (Deno answers `pong`, others echo). */
  heartbeat(timeoutMs: number): Promise<boolean>;
  /** Fails every waiting request with this error, and closes the sockets. */
  close(reason: KernelError): void;
}

/** How a client listens. */
export interface ConnectOptions {
  /** Takes published messages that belong to no execution under way. @default ignored */
  onStray?: ((message: KernelMessage) => void) | undefined;
  /** Says why the kernel closed its connections. @default no more than that it did */
  whyClosed?: (() => Promise<KernelError>) | undefined;
}

/** How a piece of code is executed. */
export interface ExecuteOptions {
  /** No execution count, no echo of the code, not kept in history. @default false */
  silent?: boolean | undefined;
  /** Takes each message the kernel publishes for this code, in order. */
  onMessage?: ((message: KernelMessage) => void) | undefined;
}

/** The reply to an execution. */
export interface ExecuteReply {
  status: "ok" | "error" | "aborted";
  execution_count: number;
  ename?: string;
  evalue?: string;
  traceback?: string[];
}

/** Longest wait for the idle report of an execution whose reply has come, before the kernel is asked. */
const IDLE_WITHIN_MS = 250;
/** How many finished executions still take what comes late for them. */
const REMEMBERED = 8;

interface Waiting {
  resolve(content: Record<string, unknown>): void;
  reject(error: KernelError): void;
}

interface Running {
  onMessage(message: KernelMessage): void;
}

/**
 * Connects shell, control, stdin, iopub and heartbeat of a running kernel.
 *
 * @throws {KernelError} when a channel does not answer as a Jupyter kernel
 */
export async function connectKernel(
  connection: ConnectionInfo,
  options: ConnectOptions = {},
): Promise<KernelClient> {
  const identity = randomUUID();
  const open: ZmtpSocket[] = [];
  const at = async (port: number, type: "DEALER" | "SUB" | "REQ") => {
    const socket = await connectZmtp({ hostname: connection.ip, port, type, identity });
    open.push(socket);
    return socket;
  };
  try {
    const iopub = await at(connection.iopub_port, "SUB");
    const shell = await at(connection.shell_port, "DEALER");
    const control = await at(connection.control_port, "DEALER");
    const stdin = await at(connection.stdin_port, "DEALER");
    const heartbeat = await at(connection.hb_port, "REQ");
    const channels = { iopub, shell, control, stdin, heartbeat };
    return kernelClient(channels, connection.key, identity, options);
  } catch (error) {
    for (const socket of open) socket.close();
    throw error;
  }
}

type Channels = Record<"iopub" | "shell" | "control" | "stdin" | "heartbeat", ZmtpSocket>;

function kernelClient(
  channels: Channels,
  key: string,
  session: string,
  options: ConnectOptions,
): KernelClient {
  const { onStray = () => {}, whyClosed = closedBySelf } = options;
  const waiting = new Map<string, Waiting>();
  const running = new Map<string, Running>();
  const finished: string[] = [];
  let closed: KernelError | undefined;

  function close(reason: KernelError): void {
    if (closed) return;
    closed = reason;
    for (const socket of Object.values(channels)) socket.close();
    for (const { reject } of waiting.values()) reject(reason);
    waiting.clear();
  }

  function listen(socket: ZmtpSocket, take: (message: KernelMessage) => void): void {
    const loop = async () => {
      for (let frames = await socket.receive(); frames; frames = await socket.receive()) {
        take(decodeKernelMessage(frames, key));
      }
      if (!closed) close(await whyClosed());
    };
    loop().catch((cause) =>
      close(cause instanceof KernelError ? cause : new KernelError(String(cause), { cause }))
    );
  }

  /** Kernels after Deno 2.8.0 may report idle before the output is out: it is still taken. */
  function forgetLater(id: string): void {
    finished.push(id);
    if (finished.length > REMEMBERED) running.delete(finished.shift()!);
  }

  /**
   * Waits for the idle report of an execution. A kernel drops what it publishes while megabytes
   * before it are still being sent, the report too, and sends the rest of those only with the next
   * message. Another request makes it go on; its own report comes after all that will ever come.
   */
  async function reportOf(idle: Promise<unknown>): Promise<void> {
    let reported = idle.then(() => true);
    while (!(await within(reported, IDLE_WITHIN_MS))) {
      const probe = newMessage("kernel_info_request", {}, session);
      const id = probe.header.msg_id;
      const answered = Promise.withResolvers<boolean>();
      running.set(id, { onMessage: (published) => isIdle(published) && answered.resolve(true) });
      reported = Promise.race([reported, answered.promise]);
      reported.catch(() => {}); // As above.
      await ask("shell", probe);
      forgetLater(id);
    }
  }

  function takeReply(message: KernelMessage): void {
    const id = message.parent_header.msg_id ?? "";
    waiting.get(id)?.resolve(message.content);
    waiting.delete(id);
  }

  function ask(
    channel: "shell" | "control",
    message: KernelMessage,
  ): Promise<Record<string, unknown>> {
    if (closed) return Promise.reject(closed);
    const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
    waiting.set(message.header.msg_id, { resolve, reject });
    channels[channel].send(encodeKernelMessage(message, key)).catch((cause) =>
      close(new KernelError("The kernel does not take messages any more.", { cause }))
    );
    return promise;
  }

  listen(channels.shell, takeReply);
  listen(channels.control, takeReply);
  listen(channels.iopub, (message) => {
    const run = running.get(message.parent_header.msg_id ?? "");
    if (run) run.onMessage(message);
    else onStray(message);
  });
  listen(channels.stdin, () => {});

  return {
    request: (channel, type, content) => ask(channel, newMessage(type, content, session)),
    async execute(code, options = {}) {
      const message = newMessage("execute_request", executeContent(code, options), session);
      const id = message.header.msg_id;
      const idle = Promise.withResolvers<Record<string, unknown>>();
      idle.promise.catch(() => {}); // It fails with the reply when the kernel ends.
      waiting.set(`${id} idle`, idle);
      running.set(id, {
        onMessage(published) {
          if (isIdle(published)) idle.resolve({});
          else options.onMessage?.(published);
        },
      });
      try {
        const reply = await ask("shell", message);
        await reportOf(idle.promise);
        return reply as unknown as ExecuteReply;
      } finally {
        waiting.delete(`${id} idle`);
        forgetLater(id);
      }
    },
    heartbeat: (timeoutMs) => echo(channels.heartbeat, timeoutMs),
    close,
  };
}

/** Whether a promise resolves within the time; its failure is the caller's. */
async function within(promise: Promise<boolean>, ms: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function closedBySelf(): Promise<KernelError> {
  return Promise.resolve(new KernelError("The kernel closed its connection."));
}

function executeContent(code: string, options: ExecuteOptions): Record<string, unknown> {
  const silent = options.silent ?? false;
  return {
    code,
    silent,
    store_history: !silent,
    user_expressions: {},
    allow_stdin: false,
    stop_on_error: true,
  };
}

function isIdle(message: KernelMessage): boolean {
  return message.header.msg_type === "status" && message.content.execution_state === "idle";
}

async function echo(socket: ZmtpSocket, timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), timeoutMs);
  socket.send([new Uint8Array(0), new TextEncoder().encode("ping")])
    .then(() => socket.receive())
    .then((frames) => resolve(frames !== null))
    .catch(() => resolve(false));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
