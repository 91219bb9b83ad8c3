/**
 * A TCP proxy in front of a port of this machine: `READY_FILE TARGET`, a port or a ready file that
 * names one, read anew at each connection. SIGUSR1 ends every connection in mid-word; SIGUSR2 passes
 * nothing on any more and keeps all open, so that nobody notices.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import process from "node:process";
import { waitUntil } from "clickstream/config";

const [ready, target] = Deno.args as [string, string];
const lines = new Set<{ cut(): void; stall(): void }>();
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
process.on("SIGUSR1", () => lines.forEach((line) => line.cut()));
process.on("SIGUSR2", () => lines.forEach((line) => line.stall()));
writeFileSync(`${ready}.new`, JSON.stringify({ port: (listener.addr as Deno.NetAddr).port }));
renameSync(`${ready}.new`, ready);
for await (const client of listener) serve(client).catch(() => close(client));

async function serve(client: Deno.Conn): Promise<void> {
  const service = await connect();
  let stalled = false;
  const line = {
    cut: () => [client, service].forEach(close),
    stall: () => void (stalled = true),
  };
  lines.add(line);
  await Promise.race([pass(client, service, () => stalled), pass(service, client, () => stalled)])
    .catch(() => {});
  lines.delete(line);
  line.cut();
}

async function pass(from: Deno.Conn, to: Deno.Conn, stalled: () => boolean): Promise<void> {
  const bytes = new Uint8Array(65_536);
  while (true) {
    const read = await from.read(bytes);
    if (stalled()) await new Promise(() => {});
    if (read === null) return;
    for (let at = 0; at < read;) at += await to.write(bytes.subarray(at, read));
  }
}

/** A service that is being started again is waited for. */
function connect(): Promise<Deno.Conn> {
  return waitUntil(
    () => Deno.connect({ hostname: "127.0.0.1", port: targetPort() }).catch(() => null),
    {
      timeoutMs: 60_000,
      intervalMs: 50,
      what: "the service behind the proxy",
    },
  );
}

function targetPort(): number {
  if (/^\d+$/.test(target)) return Number(target);
  return existsSync(target) ? JSON.parse(readFileSync(target, "utf8")).port : 1;
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed.
  }
}
