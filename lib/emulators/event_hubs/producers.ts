import type { Buffer } from "node:buffer";
import { parseAddress, resolveHub, resolvePartition } from "./address.ts";
import { authorize } from "./authorize.ts";
import { append } from "./commit.ts";
import { type Broker, type Client, type Producer, trafficOf } from "./broker.ts";
import { internalError, notFound, undecodable } from "./conditions.ts";
import { parseTransfer, partitionKeyOf, type StoredMessage } from "./message.ts";
import { partitionOfKey } from "clickstream/config";
import type { AmqpError, Delivery, RheaReceiver } from "./rhea.ts";
import { answerTransfer } from "./transfers.ts";
import { DecodeError } from "./wire.ts";

/** Transfers a producer may have on their way. */
const CREDIT = 2000;
/** Unwritten bytes above which a client is not read from. */
const CLIENT_BYTES = 8 * 1024 * 1024;
const BROKER_BYTES = 128 * 1024 * 1024;

let turn = 0;

/** Answers the attach of a link on which a client wants to send; refuses it with an error. */
export function attachProducer(broker: Broker, client: Client, link: RheaReceiver): void {
  const opened = openProducer(broker, client, link);
  if ("error" in opened) return link.close(opened.error);
  link.set_target({ address: link.target?.address });
  link.set_source({ address: link.source?.address });
  link.local.attach.max_message_size = broker.limits.messageBytes;
  client.producers.set(link, opened.producer);
  link.add_credit(CREDIT);
}

/** Ends a producer's link; with an error, the client is told. Safe to call twice. */
export function detachProducer(producer: Producer, error?: AmqpError): void {
  if (producer.closed) return;
  producer.closed = true;
  producer.client.producers.delete(producer.link);
  if (error !== undefined) producer.link.close(error);
}

/** Keeps the events of one transfer and answers it when they are durable. */
export function receiveTransfer(
  broker: Broker,
  producer: Producer,
  delivery: Delivery,
  payload: Buffer,
  format: number,
): void {
  const { hub, client, link } = producer;
  let messages: StoredMessage[];
  try {
    messages = parseTransfer(payload, format);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    answerTransfer(client, link, delivery, undecodable(error.message));
    return giveCredit(producer);
  }
  const partition = producer.partition ?? partitionFor(hub.partitions.length, messages);
  producer.unanswered++;
  take(broker, client, payload.length);
  append(hub.partitions[partition]!, messages, (error) => {
    giveBack(broker, client, payload.length);
    producer.unanswered--;
    if (error === null) {
      const traffic = trafficOf(broker, hub.name, partition);
      traffic.eventsIn += messages.length;
      traffic.bytesIn += payload.length;
    } else broker.warn(`Events for ${hub.name}/${partition} could not be kept: ${error}`);
    if (client.gone) return;
    answerTransfer(client, link, delivery, error === null ? null : notKept(error));
    giveCredit(producer);
  });
}

function notKept(error: unknown): AmqpError {
  return internalError(`The events could not be written to disk: ${(error as Error).message}`);
}

function giveCredit({ link, unanswered, closed }: Producer): void {
  if (closed) return;
  const missing = CREDIT - link.credit - unanswered;
  if (missing >= CREDIT / 4) link.add_credit(missing);
}

function partitionFor(partitions: number, messages: StoredMessage[]): number {
  const key = partitionKeyOf(messages);
  return key === null ? turn++ % partitions : partitionOfKey(key, partitions);
}

function openProducer(
  broker: Broker,
  client: Client,
  link: RheaReceiver,
): { producer: Producer } | { error: AmqpError } {
  const address = link.target?.address ?? "";
  const parsed = parseAddress(address);
  if (parsed.kind !== "hub" && parsed.kind !== "partition") return { error: notFound(address) };
  const path = parsed.kind === "hub" ? parsed.hub : `${parsed.hub}/Partitions/${parsed.partition}`;
  const denied = authorize(broker, client, path, "Send");
  if (denied !== null) return { error: denied };
  const hub = resolveHub(broker.catalogue, parsed.hub);
  if ("error" in hub) return hub;
  let partition: number | null = null;
  if (parsed.kind === "partition") {
    const resolved = resolvePartition(hub.found, parsed.partition);
    if ("error" in resolved) return resolved;
    partition = resolved.found;
  }
  const producer: Producer = {
    client,
    link,
    hub: hub.found,
    partition,
    path,
    unanswered: 0,
    closed: false,
  };
  return { producer };
}

/** A client whose events wait for the disk is not read from, so that no memory fills up. */
function take(broker: Broker, client: Client, bytes: number): void {
  broker.unwrittenBytes += bytes;
  client.unwrittenBytes += bytes;
  if (client.paused || !isFull(broker, client)) return;
  client.paused = true;
  client.socket.pause();
}

function giveBack(broker: Broker, client: Client, bytes: number): void {
  broker.unwrittenBytes -= bytes;
  client.unwrittenBytes -= bytes;
  const full = broker.unwrittenBytes > BROKER_BYTES;
  for (const one of full ? [client] : broker.clients) {
    if (!one.paused || isFull(broker, one)) continue;
    one.paused = false;
    one.socket.resume();
  }
}

function isFull(broker: Broker, client: Client): boolean {
  return client.unwrittenBytes > CLIENT_BYTES || broker.unwrittenBytes > BROKER_BYTES;
}
