import {
  connectKernel,
  type ExecuteOptions,
  type ExecuteReply,
  type KernelClient,
} from "./client.ts";
import { KernelError } from "./errors.ts";
import type { KernelMessage } from "./message.ts";
import { compareVersions, TESTED_DENO } from "./version.ts";
import { type KernelProcess, type KernelProcessOptions, startKernelProcess } from "./process.ts";

/** A running kernel, ready to execute. */
export interface Kernel {
  pid: number;
  execute(code: string, options?: ExecuteOptions): Promise<ExecuteReply>;
  /**
   * Asks the kernel to stop what it runs, until that has ended: a busy loop stops and state is kept;
   * an await does not. A request that arrives just before the code begins to run is lost, so it is
   * made again every second.
   *
   * @throws {KernelError} when the kernel ends meanwhile
   */
  interrupt(): Promise<void>;
  /** Completions for the code at the cursor. */
  complete(code: string, cursor: number): Promise<string[]>;
  heartbeat(timeoutMs?: number): Promise<boolean>;
  /** Resolves when the process has ended, with a few words on how. */
  ended: Promise<string>;
  /** Ends the kernel: asked first, then by its pid. Safe to call again. */
  stop(): Promise<void>;
  /** Ends the process at once, by its pid. */
  kill(): void;
}

/** How a kernel is started. */
export interface KernelOptions extends KernelProcessOptions {
  /** Longest wait for the kernel to answer, in milliseconds. @default 60_000 */
  startTimeoutMs?: number | undefined;
  /** Takes messages that belong to no execution under way. */
  onStray?: ((message: KernelMessage) => void) | undefined;
}

const ATTEMPTS = 3;
const STOP_WAIT_MS = 1000;
/** Time between the requests of an interrupt. */
const INTERRUPT_EVERY_MS = 1000;
/** Kernels newer than 2.8.0 may report idle before the output is out; this much later it is. */
const LATE_MS = 30;

/**
 * Starts a Deno Jupyter kernel and waits until it answers. A start that fails because another
 * process took one of its ports is tried again on other ports.
 *
 * @throws {KernelError} when the kernel does not come up
 */
export async function startKernel(options: KernelOptions): Promise<Kernel> {
  for (let attempt = 1;; attempt++) {
    const process = startKernelProcess(options);
    try {
      const { client, version } = await connectWhenReady(process, options);
      return kernelOf(process, client, version);
    } catch (error) {
      process.kill();
      await process.ended;
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

async function connectWhenReady(
  process: KernelProcess,
  options: KernelOptions,
): Promise<{ client: KernelClient; version: string }> {
  const { startTimeoutMs = 60_000, onStray = () => {} } = options;
  const deadline = Date.now() + startTimeoutMs;
  let end: string | undefined;
  process.ended.then((how) => end = how);
  while (true) {
    try {
      const whyClosed = () => howItEnded(process);
      const client = await connectKernel(process.connection, { onStray, whyClosed });
      const info = await client.request("shell", "kernel_info_request", {});
      return { client, version: String(info.implementation_version ?? TESTED_DENO) };
    } catch (cause) {
      if (end !== undefined) {
        throw new KernelError(
          `The Deno kernel ended before it was ready (${end}); see its log, and try \`deno jupyter --version\`.`,
          { cause },
        );
      }
      if (Date.now() > deadline) {
        throw new KernelError(
          `The Deno kernel did not answer within ${
            startTimeoutMs / 1000
          } s; is the machine overloaded?`,
          { cause },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

function died(how: string): KernelError {
  return new KernelError(`The kernel died (${how}).`);
}

/** Sockets close a moment before the process is known to have ended. */
async function howItEnded(process: KernelProcess): Promise<KernelError> {
  const { promise, resolve } = Promise.withResolvers<KernelError>();
  const closed = new KernelError("The kernel closed its connection.");
  const timer = setTimeout(() => resolve(closed), STOP_WAIT_MS);
  process.ended.then((how) => resolve(died(how)));
  const error = await promise;
  clearTimeout(timer);
  return error;
}

/** Waits until a promise is settled, but no longer than the time. */
async function endOrWait(promise: Promise<unknown> | null, ms: number): Promise<void> {
  if (promise === null) return;
  const { promise: waited, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  promise.then(() => resolve(), () => resolve());
  await waited;
  clearTimeout(timer);
}

function kernelOf(process: KernelProcess, client: KernelClient, version: string): Kernel {
  const isLate = compareVersions(version, TESTED_DENO) > 0;
  let stopping = false;
  let running: Promise<unknown> | null = null;
  process.ended.then((how) => client.close(died(how)));
  return {
    pid: process.pid,
    ended: process.ended,
    async execute(code, options) {
      const replying = client.execute(code, options);
      running = replying;
      const reply = await replying.finally(() => {
        if (running === replying) running = null;
      });
      if (isLate) await new Promise((resolve) => setTimeout(resolve, LATE_MS));
      return reply;
    },
    async interrupt() {
      const interrupted = running;
      do {
        await client.request("control", "interrupt_request", {});
        await endOrWait(interrupted, INTERRUPT_EVERY_MS);
      } while (interrupted !== null && running === interrupted);
    },
    async complete(code, cursor) {
      const reply = await client.request("shell", "complete_request", {
        code,
        cursor_pos: cursor,
      });
      return Array.isArray(reply.matches) ? reply.matches.map(String) : [];
    },
    heartbeat: (timeoutMs = 1000) => client.heartbeat(timeoutMs),
    kill: () => process.kill(),
    async stop() {
      if (!stopping) {
        stopping = true;
        client.request("control", "shutdown_request", { restart: false }).catch(() => {});
      }
      const timer = setTimeout(() => process.kill(), STOP_WAIT_MS);
      await process.ended;
      clearTimeout(timer);
      client.close(new KernelError("The kernel was stopped."));
    },
  };
}
