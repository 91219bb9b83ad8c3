import type { Socket } from "node:net";
import type { Broker, Client } from "./broker.ts";
import { framingError, linkDetached, messageTooLarge } from "./conditions.ts";
import { adaptRhea, RAW_FORMAT } from "./adapt_rhea.ts";
import { attachProducer, detachProducer, receiveTransfer } from "./producers.ts";
import { attachReceiver, detachReceiver } from "./receivers.ts";
import { answerRequest, requestNode } from "./requests.ts";
import type { AmqpError, Container, EventContext, RheaReceiver, RheaSender } from "./rhea.ts";
import { answerTransfer } from "./transfers.ts";
import { guardSocket, MAX_FRAME } from "./socket.ts";

const CHANNELS = 4999;
const REQUEST_CREDIT = 100;
let connections = 0;

/** Serves one client until it leaves. */
export function serveConnection(broker: Broker, container: Container, socket: Socket): Client {
  const guarded = guardSocket(
    socket,
    (error) => endConnection(client, framingError(error.message)),
  );
  const rhea = container.create_connection({
    container_id: broker.containerId,
    max_frame_size: MAX_FRAME,
    channel_max: CHANNELS,
    idle_time_out: broker.limits.heartbeatMs,
    tcp_no_delay: true,
    reconnect: false,
    properties: { product: "clickstream", platform: "Deno" },
    receiver_options: { autoaccept: false, credit_window: 0 },
    sender_options: {},
  });
  const client: Client = {
    id: ++connections,
    connectedMs: broker.now(),
    rhea,
    socket: guarded,
    grants: new Map(),
    replyLinks: new Map(),
    producers: new Map(),
    subscriptions: new Map(),
    received: new WeakMap(),
    answers: [],
    unwrittenBytes: 0,
    paused: false,
    linklessMs: broker.now(),
    gone: false,
  };
  broker.clients.add(client);
  adaptRhea(client, {
    messageBytes: broker.limits.messageBytes,
    heartbeatMs: broker.limits.heartbeatMs,
    onFlow: () => wakeAll(client),
    end: (error) => endConnection(client, error),
  });
  listen(broker, client);
  guarded.on("drain", () => wakeAll(client));
  rhea.accept(guarded);
  return client;
}

/** Closes a connection with an error the client is told, and ends the socket soon after. */
export function endConnection(client: Client, error?: AmqpError): void {
  if (client.gone) return;
  if (client.rhea.is_open()) {
    client.rhea.close(error);
    client.rhea._process(); // now, as rhea itself ends the socket at once after an error
  }
  setImmediate(() => client.socket.end());
}

/** Forgets all of a client's links. */
export function forgetClient(broker: Broker, client: Client): void {
  if (client.gone) return;
  client.gone = true;
  for (const subscription of [...client.subscriptions.values()]) {
    detachReceiver(broker, subscription);
  }
  for (const producer of [...client.producers.values()]) detachProducer(producer);
  client.replyLinks.clear();
  broker.clients.delete(client);
  broker.lastBusyMs = broker.now();
}

function listen(broker: Broker, client: Client): void {
  const { rhea } = client;
  const on = (event: string, handle: (context: EventContext) => void) => rhea.on(event, handle);
  on("receiver_open", ({ receiver }) => openReceiver(broker, client, receiver!));
  on("sender_open", ({ sender }) => openSender(broker, client, sender!));
  on("message", (context) => onMessage(broker, client, context));
  on("sendable", ({ sender }) => client.subscriptions.get(sender!)?.wake());
  for (const event of ["receiver_close", "receiver_error"]) {
    on(event, ({ receiver }) => closeReceiver(client, receiver!));
  }
  for (const event of ["sender_close", "sender_error"]) {
    on(event, ({ sender }) => closeSender(broker, client, sender!));
  }
  for (const event of ["session_close", "session_error"]) {
    on(event, ({ session }) => {
      for (const link of client.producers.keys()) {
        if (link.session === session) closeReceiver(client, link);
      }
      for (const link of [...client.subscriptions.keys(), ...client.replyLinks.values()]) {
        if (link.session === session) closeSender(broker, client, link);
      }
    });
  }
  for (const event of ["connection_close", "connection_error", "disconnected"]) {
    on(event, () => forgetClient(broker, client));
  }
  for (const event of ["error", "protocol_error"]) {
    rhea.on(event, (error: Error) => {
      broker.warn(`Connection ${client.id} broke the protocol: ${error.message}`);
      endConnection(client, framingError(error.message));
    });
  }
}

function openReceiver(broker: Broker, client: Client, link: RheaReceiver): void {
  const node = requestNode(link.target?.address);
  if (node === null) attachProducer(broker, client, link);
  else {
    link.set_target({ address: link.target?.address });
    link.set_source({ address: link.source?.address });
    link.add_credit(REQUEST_CREDIT);
  }
  noteLinks(broker, client);
}

function openSender(broker: Broker, client: Client, link: RheaSender): void {
  if (requestNode(link.source?.address) === null) attachReceiver(broker, client, link);
  else {
    link.set_source({ address: link.source?.address });
    link.set_target({ address: link.target?.address });
    client.replyLinks.set(link.target?.address ?? link.name, link);
  }
  noteLinks(broker, client);
}

function closeReceiver(client: Client, link: RheaReceiver): void {
  const producer = client.producers.get(link);
  if (producer !== undefined) detachProducer(producer);
}

function closeSender(broker: Broker, client: Client, link: RheaSender): void {
  const subscription = client.subscriptions.get(link);
  if (subscription !== undefined) detachReceiver(broker, subscription);
  for (const [name, one] of client.replyLinks) if (one === link) client.replyLinks.delete(name);
  noteLinks(broker, client);
}

function noteLinks(broker: Broker, client: Client): void {
  const links = client.producers.size + client.subscriptions.size;
  client.linklessMs = links > 0 ? null : client.linklessMs ?? broker.now();
}

function onMessage(broker: Broker, client: Client, context: EventContext): void {
  const link = context.receiver!;
  const delivery = context.delivery!;
  const payload = context.message!;
  const bytes = client.received.get(link) ?? 0;
  const limit = broker.limits.messageBytes;
  const producer = client.producers.get(link);
  if (producer !== undefined && bytes <= limit) {
    const format = context.format === RAW_FORMAT ? 0 : context.format ?? 0;
    return receiveTransfer(broker, producer, delivery, payload, format);
  }
  const answer = (error: AmqpError | null) => answerTransfer(client, link, delivery, error);
  if (bytes > limit) answer(messageTooLarge(bytes, limit));
  else {
    const node = requestNode(link.target?.address);
    // Sent before its producer heard that the link was closed.
    if (node === null) return answer(linkDetached("The link has been closed."));
    answer(answerRequest(broker, client, node, payload));
  }
  if (link.credit < REQUEST_CREDIT) link.add_credit(1);
}

function wakeAll(client: Client): void {
  for (const subscription of client.subscriptions.values()) subscription.wake();
}
