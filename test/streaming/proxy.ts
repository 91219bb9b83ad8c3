import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy in front of a service, for tests that break the line to it. */
export interface Proxy {
  /** Port that clients use. */
  port: number;
  /** Ends every connection there is, in mid-word; new ones are taken. */
  cut(): void;
  /** Passes nothing on any more, and keeps everything open: nobody notices. */
  stall(): void;
  close(): Promise<void>;
}

/** Starts a proxy before a port of this machine. */
export async function startProxy(target: number): Promise<Proxy> {
  const pairs = new Set<[Socket, Socket]>();
  const server = createServer((client) => {
    const service = connect(target, "127.0.0.1");
    const pair: [Socket, Socket] = [client, service];
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const socket of pair) socket.on("error", end).on("close", end);
    client.pipe(service).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    for (const [client, service] of [...pairs]) [client, service].forEach((s) => s.destroy());
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    stall() {
      for (const pair of pairs) for (const socket of pair) socket.unpipe().pause();
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cut();
      await closed;
    },
  };
}

/** The same connection string, by way of another port. */
export function byWayOf(connectionString: string, port: number): string {
  return connectionString.replace(/(Endpoint=sb:\/\/[^:;/]+):\d+/, `$1:${port}`);
}

/** Port of a connection string or URL. */
export function portOf(address: string): number {
  return Number(/:\/\/[^:;/]+:(\d+)/.exec(address)![1]);
}
