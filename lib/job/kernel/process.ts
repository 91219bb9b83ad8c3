import { randomBytes } from "node:crypto";
import { KernelError } from "./errors.ts";

/** What a Jupyter connection file holds. */
export interface ConnectionInfo {
  transport: "tcp";
  ip: string;
  key: string;
  signature_scheme: "hmac-sha256";
  kernel_name: string;
  shell_port: number;
  control_port: number;
  iopub_port: number;
  stdin_port: number;
  hb_port: number;
}

/** A kernel process: its connection, its own output, and how it ends. */
export interface KernelProcess {
  pid: number;
  connection: ConnectionInfo;
  /** Resolves when the process has ended, with a few words on how. */
  ended: Promise<string>;
  /** Ends the process at once, by its pid. */
  kill(): void;
}

/** How a kernel process is started. */
export interface KernelProcessOptions {
  /** Working directory: cells resolve imports by the deno.json found from here upwards. */
  directory: string;
  /** Variables added to the environment. @default {} */
  environment?: Record<string, string> | undefined;
  /** The Deno to run. @default Deno.execPath() */
  deno?: string | undefined;
  /** File that takes what the process itself prints (native libraries do). @default none kept */
  logFile?: string | undefined;
  /** Hides secrets in what is kept of that. @default nothing is hidden */
  mask?: ((text: string) => string) | undefined;
}

/**
 * Starts `deno jupyter --kernel`. The process has its own stdout and stderr, never the runner's:
 * a kernel left behind must not hold a pipe open that somebody waits on.
 *
 * @throws {KernelError} when the program cannot be started
 */
export function startKernelProcess(options: KernelProcessOptions): KernelProcess {
  const { directory, environment = {}, deno = Deno.execPath() } = options;
  const connection = newConnection();
  const file = Deno.makeTempFileSync({ prefix: "clickstream-kernel-", suffix: ".json" });
  Deno.writeTextFileSync(file, JSON.stringify(connection), { mode: 0o600 });
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(deno, {
      args: ["jupyter", "--quiet", "--kernel", "--conn", file],
      cwd: directory,
      env: environment,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (cause) {
    Deno.removeSync(file);
    throw new KernelError(`The Deno kernel could not be started with ${deno}.`, { cause });
  }
  const printed = [child.stdout, child.stderr].map((stream) => keep(stream, options));
  const ended = child.status.then(async (status) => {
    await Promise.all(printed.map((print) => print.stop()));
    await Deno.remove(file).catch(() => {});
    return status.signal ? `ended by ${status.signal}` : `exit code ${status.code}`;
  });
  const kill = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  };
  return { pid: child.pid, connection, ended, kill };
}

/** Ports of this machine that are free at this moment. */
export function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const ports = listeners.map((listener) => (listener.addr as Deno.NetAddr).port);
  for (const listener of listeners) listener.close();
  return ports;
}

function newConnection(): ConnectionInfo {
  const ports = freePorts(5);
  const [shell_port, control_port, iopub_port, stdin_port, hb_port] = ports as [
    number,
    number,
    number,
    number,
    number,
  ];
  return {
    transport: "tcp",
    ip: "127.0.0.1",
    key: randomBytes(32).toString("hex"),
    signature_scheme: "hmac-sha256",
    kernel_name: "deno",
    shell_port,
    control_port,
    iopub_port,
    stdin_port,
    hb_port,
  };
}

/** Appends what comes out of a stream to a file, until the stream ends or is stopped. */
function keep(
  stream: ReadableStream<Uint8Array>,
  { logFile, mask = (text) => text }: KernelProcessOptions,
): { stop(): Promise<void> } {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  const copying = (async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (logFile) await Deno.writeTextFile(logFile, mask(part.value), { append: true });
    }
  })().catch(() => {});
  return {
    // A grandchild may hold the pipe open for ever, so the end of the stream is not waited for long.
    async stop() {
      const timer = setTimeout(() => void reader.cancel().catch(() => {}), 300);
      await copying;
      clearTimeout(timer);
    },
  };
}
