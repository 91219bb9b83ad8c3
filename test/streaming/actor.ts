import { fileURLToPath } from "node:url";

/** A process that a test may kill and start again. */
export interface Actor {
  /** Bytes that it has printed, over all its lives. */
  readonly printed: number;
  /** Code with which its present life ended by itself; null while it lives. */
  readonly exit: number | null;
  start(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  signal(signal: Deno.Signal): void;
}

/** A process running a script of this folder, not started yet. */
export function newActor(script: string, args: string[]): Actor {
  const path = fileURLToPath(new URL(script, import.meta.url));
  let child: Deno.ChildProcess | null = null;
  let printed = 0;
  let exit: number | null = null;
  const count = async (stdout: ReadableStream<Uint8Array>) => {
    for await (const bytes of stdout) printed += bytes.length;
  };
  return {
    get printed() {
      return printed;
    },
    get exit() {
      return exit;
    },
    start() {
      exit = null;
      const life = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "-q", path, ...args],
        env: { NO_COLOR: "1" },
        stdin: "null",
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
      child = life;
      count(life.stdout).catch(() => {});
      life.status.then(({ code }) => {
        if (child === life) exit = code;
      });
      return Promise.resolve();
    },
    async kill() {
      if (child === null) return;
      const life = child;
      child = null;
      try {
        life.kill("SIGKILL");
      } catch {
        // It ended by itself.
      }
      await life.status;
    },
    signal: (name) => child?.kill(name),
  };
}
