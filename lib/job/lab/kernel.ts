import { ClickstreamError, runCommand } from "clickstream/config";
import {
  type ConnectionInfo,
  connectKernel,
  freePorts,
  type KernelClient,
  KernelError,
} from "../kernel/mod.ts";
import { PRELUDE } from "../notebook/mod.ts";
import { relayControl, relayWatched } from "./control_relay.ts";
import { type StopLine, stopLine } from "./stop_line.ts";

/**
 * The kernel that Jupyter starts: the Deno kernel, made a little kinder. Errors that no cell catches
 * are shown, and the stop button ends a cell that waits; the Deno kernel alone would come to a
 * standstill, as it can break off code that is busy but not an `await`.
 *
 * Jupyter speaks with the Deno kernel directly, but for two channels that pass through here: control,
 * and shell, which is opened once the kernel is prepared, so that no cell runs before.
 *
 * @param file Jupyter's connection file
 * @returns the exit code of the Deno kernel
 */
export async function labKernel(file: string): Promise<number> {
  const connection = readConnection(file);
  const [shell_port, control_port] = freePorts(2) as [number, number];
  const inner: ConnectionInfo = { ...connection, shell_port, control_port };
  const innerFile = await Deno.makeTempFile({ prefix: "clickstream-kernel-", suffix: ".json" });
  await Deno.writeTextFile(innerFile, JSON.stringify(inner), { mode: 0o600 });
  const kernel = new Deno.Command(Deno.execPath(), {
    args: ["jupyter", "--quiet", "--kernel", "--conn", innerFile],
    stdin: "null",
  }).spawn();
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", () => kernel.kill());
  Deno.addSignalListener("SIGINT", () => {});
  const line = stopLine();
  const prepared = prepare(inner, line).catch((error) => console.error(String(error)));
  void relay(connection.control_port, inner, inner.control_port, (client, kernel) => {
    void relayControl({ client, kernel, key: inner.key, interrupt: line.stop });
  });
  void relay(connection.shell_port, inner, shell_port, async (client, kernel) => {
    await prepared;
    await relayWatched({ client, kernel, key: inner.key }, ({ header, content }) => {
      if (header.msg_type === "execute_reply") void line.say(missingName(content));
    });
  });
  const { code } = await kernel.status;
  await Deno.remove(innerFile).catch(() => {});
  return code;
}

/** What to do where a cell needs a name that no cell has made yet; empty for any other reply. */
function missingName({ ename, evalue }: Record<string, unknown>): string {
  const name = /^(\S+) is not defined/.exec(String(evalue ?? ""))?.[1];
  if (ename !== "ReferenceError" || name === undefined) return "";
  return `${name}: a cell above makes it, or the notebook's first lines say which notebook comes first. ` +
    "Run > Run All Above Selected Cell, then this cell again.";
}

function readConnection(file: string): ConnectionInfo {
  try {
    return JSON.parse(Deno.readTextFileSync(file));
  } catch (cause) {
    throw new ClickstreamError(
      `There is no connection file of Jupyter at ${file}; Jupyter starts this kernel by itself.`,
      { cause },
    );
  }
}

/** Gives each connection to one of Jupyter's ports a connection to the kernel's own. */
async function relay(
  outerPort: number,
  { ip }: ConnectionInfo,
  innerPort: number,
  join: (client: Deno.TcpConn, kernel: Deno.TcpConn) => void | Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: ip, port: outerPort });
  for await (const client of listener) {
    client.setNoDelay(true);
    void untilThere(() => Deno.connect({ hostname: ip, port: innerPort }))
      .then((kernel) => join(client, kernel))
      .catch(() => client.close());
  }
}

/** Runs the prelude and opens the stop line. */
async function prepare(inner: ConnectionInfo, line: StopLine): Promise<void> {
  const client: KernelClient = await untilThere(() => connectKernel(inner));
  for (const code of [PRELUDE, line.code]) await client.execute(code, { silent: true });
  client.close(new KernelError("The kernel is prepared."));
}

/** Two minutes in all: on a busy machine a kernel takes long to come up. */
const ATTEMPTS = 2400;
const BETWEEN_MS = 50;

async function untilThere<T>(connect: () => Promise<T>): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await connect();
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
    }
  }
}

if (import.meta.main) await runCommand(([file = ""]) => labKernel(file));
