import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import rhea from "rhea";
import { createToken, type EventHubs } from "../../../lib/emulators/event_hubs/mod.ts";
import { HUB } from "./support.ts";

/** A client below the SDK, for what the SDK never does. */
export interface RawClient {
  socket: Socket;
  connection: rhea.Connection;
  /** Puts another token for the whole hub. */
  putToken(expiresMs: number): Promise<void>;
  /** Attaches a receiver and gives it credit. */
  receive(address: string, credit: number, options?: object): Promise<RawReceiver>;
  close(): Promise<void>;
}

export interface RawReceiver {
  receiver: rhea.Receiver & { credit: number; drain_credit(): void };
  received: number;
  /** Deliveries that came settled already. */
  settledByServer: number;
}

/** Where a raw client connects, and with which keys. */
export type RawServer = Pick<EventHubs, "port" | "keys">;

/** Connects and puts a token for the whole hub. */
export async function connectRaw(
  server: RawServer,
  expiresMs: number = Date.now() + 3_600_000,
  hub: string = HUB,
): Promise<RawClient> {
  const socket = connect(server.port, "127.0.0.1");
  const container = rhea.create_container();
  const open = (_port: number, _host: string, _options: unknown, connected: () => void) => {
    socket.once("connect", connected);
    return socket;
  };
  const options = {
    connection_details: () => ({ connect: open }),
    username: "raw",
    reconnect: false,
  };
  const connection = container.connect(options as unknown as rhea.ConnectionOptions);
  for (const event of ["disconnected", "connection_error", "error"]) {
    (connection as unknown as NodeJS.EventEmitter).on(event, () => {});
  }
  await once(connection, "connection_open");
  const putToken = await openTokens(server, connection, hub);
  await putToken(expiresMs);
  return {
    putToken,
    socket,
    connection,
    receive: (address, credit, options = {}) => receive(connection, address, credit, options),
    close: async () => {
      const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
      connection.close();
      await closed;
    },
  };
}

/** Opens the two links over which tokens are put. */
async function openTokens(server: RawServer, connection: rhea.Connection, hub: string) {
  const sender = connection.open_sender("$cbs");
  const receiver = connection.open_receiver({ source: "$cbs", target: "reply" } as never);
  await once(sender, "sendable");
  return async (expiresMs: number) => {
    const answered = once(receiver, "message");
    sender.send({
      message_id: "1",
      reply_to: "reply",
      application_properties: {
        operation: "put-token",
        type: "servicebus.windows.net:sastoken",
        name: `sb://127.0.0.1/${hub}`,
      },
      body: createToken(`sb://127.0.0.1/${hub}`, server.keys[0]!, expiresMs),
    });
    await answered;
  };
}

async function receive(
  connection: rhea.Connection,
  address: string,
  credit: number,
  options: object,
): Promise<RawReceiver> {
  const receiver = connection.open_receiver({
    source: { address },
    credit_window: 0,
    ...options,
  } as never) as RawReceiver["receiver"];
  const link: RawReceiver = { receiver, received: 0, settledByServer: 0 };
  receiver.on("message", (context: rhea.EventContext) => {
    link.received++;
    if (context.delivery?.remote_settled) link.settledByServer++;
  });
  await once(receiver, "receiver_open");
  receiver.add_credit(credit);
  return link;
}

function once(emitter: unknown, event: string): Promise<unknown> {
  return new Promise((resolve) => (emitter as NodeJS.EventEmitter).once(event, resolve));
}

/** The 8 bytes that open the SASL and the AMQP layer. */
export const SASL_HEADER: Buffer = Buffer.from([0x41, 0x4d, 0x51, 0x50, 3, 1, 0, 0]);
export const AMQP_HEADER: Buffer = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 1, 0, 0]);
