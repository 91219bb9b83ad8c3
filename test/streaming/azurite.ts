import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { waitUntil } from "clickstream/config";

/** The account that Azurite has; its key is published. */
const ACCOUNT = "devstoreaccount1";
const KEY =
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/** Runs `body` with the connection string of a blob store: Azurite in a process of its own. */
export async function withBlobStore(
  body: (connectionString: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "clickstream-azurite-" });
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}/${ACCOUNT}`;
  const child = new Deno.Command(Deno.execPath(), {
    // Outside of the project: its lock file has nothing to do with it.
    args: ["run", "-A", "-q", "--no-lock", "--node-modules-dir=none"].concat(
      "npm:azurite@3.37.0/azurite-blob",
      ["--blobHost", "127.0.0.1", "--blobPort", String(port), "--inMemoryPersistence"],
      ["--silent", "--skipApiVersionCheck", "--disableTelemetry"],
    ),
    cwd: folder,
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await waitUntil(() => answers(endpoint), { timeoutMs: 180_000, what: "Azurite to answer" });
    const account = `AccountName=${ACCOUNT};AccountKey=${KEY}`;
    await body(`DefaultEndpointsProtocol=http;${account};BlobEndpoint=${endpoint};`);
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await Deno.remove(folder, { recursive: true });
  }
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    const answer = await fetch(`${endpoint}?comp=list`);
    await answer.body?.cancel();
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
