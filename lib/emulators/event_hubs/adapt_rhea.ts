import { Buffer } from "node:buffer";
import type { Client } from "./broker.ts";
import { connectionForced, framingError, transferLimitExceeded } from "./conditions.ts";
import type { AmqpError, Frame, RheaConnection, RheaLink, TransferFields } from "./rhea.ts";

/** Stands for message format 0, which rhea would decode, in the transfers it is given. */
export const RAW_FORMAT = 0x7fffff00;
const NOTHING = Buffer.alloc(0);

/** What a rhea connection of the server is fitted with. */
export interface Fittings {
  /** Largest transfer; what goes far beyond is not kept. */
  messageBytes: number;
  /** Silence after which a client is sent a heartbeat; twice that ends its connection. */
  heartbeatMs: number;
  /** Called after each flow: of a link, or of a session, which widens the window of all its links. */
  onFlow: () => void;
  /** Closes the connection with an error. */
  end: (error: AmqpError) => void;
}

/**
 * Makes a rhea connection fit for a server: messages stay bytes, limits hold, what goes wrong in it
 * ends this connection only, and its frames suit clients stricter than rhea.
 */
export function adaptRhea(client: Client, fittings: Fittings): void {
  keepRaw(client, fittings);
  writeAllFields(client.rhea);
  guardState(client, fittings);
}

/** Messages stay bytes; too large ones are not kept; flows that ask are answered. */
function keepRaw(client: Client, { messageBytes, onFlow }: Fittings): void {
  const { rhea } = client;
  const { on_transfer, on_flow, on_disposition } = rhea;
  rhea.on_transfer = (frame) => {
    const link = linkOf(rhea, frame);
    if (link !== undefined) {
      checkCredit(link);
      limitSize(client, link, frame, 2 * messageBytes);
    }
    if (!frame.performative.message_format && link?._incomplete === undefined) {
      frame.performative.message_format = RAW_FORMAT;
    }
    on_transfer.call(rhea, frame);
  };
  rhea.on_flow = (frame) => {
    on_flow.call(rhea, frame);
    const link = linkOf(rhea, frame);
    if (frame.performative.echo && link !== undefined) link.issue_flow = true;
    onFlow();
  };
  rhea.on_disposition = (frame) => {
    const { first, last } = frame.performative;
    if (last && last - first > 0xffff) frame.performative.last = first + 0xffff;
    on_disposition.call(rhea, frame);
  };
}

function linkOf(rhea: RheaConnection, frame: Frame<{ handle?: number | null }>) {
  const { handle } = frame.performative;
  if (handle === undefined || handle === null) return undefined;
  return rhea.remote_channel_map[frame.channel]?.remote.handles[handle];
}

/** A client that sends more than it may loses the link. */
function checkCredit(link: RheaLink): void {
  if (!link.is_receiver()) throw new Error("A transfer was sent on a link that only receives.");
  if (link.credit > 0 || link._incomplete !== undefined) return;
  link.credit = 1;
  link.close(transferLimitExceeded());
}

/** Counts the bytes of a transfer; those beyond the limit are forgotten as they come. */
function limitSize(
  client: Client,
  link: RheaLink,
  frame: Frame<TransferFields>,
  limit: number,
): void {
  if (link._incomplete === undefined) client.received.set(link, 0);
  const bytes = (client.received.get(link) ?? 0) + (frame.payload?.length ?? 0);
  client.received.set(link, bytes);
  if (frame.payload === undefined || bytes > limit) {
    frame.payload = NOTHING;
  }
}

const BEGIN = 0x11;
/** Links of one session, less one. */
const HANDLES = 65_535;
/** Fields of each performative, from open to close. */
const FIELDS = new Map([
  [0x10, 10],
  [0x11, 8],
  [0x12, 14],
  [0x13, 11],
  [0x14, 11],
  [0x15, 6],
  [0x16, 3],
  [0x17, 1],
  [0x18, 1],
]);

/** rhea leaves out empty fields at the end, as it may; Python's client wants all of them. */
function writeAllFields(rhea: RheaConnection): void {
  const { _write_frame } = rhea;
  rhea._write_frame = (channel, performative, payload) => {
    const code = performative?.constructor.descriptor?.numeric ?? 0;
    const fields = FIELDS.get(code) ?? 0;
    if (code === BEGIN) performative!.handle_max = HANDLES;
    if (performative !== undefined && performative.value.length < fields) {
      performative.value.length = fields;
    }
    _write_frame.call(rhea, channel, performative, payload);
  };
}

/** What goes wrong inside rhea ends this connection, not the server. */
function guardState(client: Client, { end, heartbeatMs }: Fittings): void {
  const { rhea } = client;
  const { _process } = rhea;
  rhea._process = () => {
    try {
      _process.call(rhea);
    } catch (error) {
      end(framingError((error as Error).message));
      client.socket.end();
    }
  };
  rhea.idle = () => {
    const text = `The connection was silent for more than ${2 * heartbeatMs} ms and is closed.`;
    end(connectionForced(text));
  };
}
