import { Buffer } from "node:buffer";
import { parseAddress, resolveGroup, resolveHub, resolvePartition } from "./address.ts";
import { authorize } from "./authorize.ts";
import { type Broker, type Client, partitionId, type Subscription, trafficOf } from "./broker.ts";
import { argumentOutOfRange, invalidField, notFound } from "./conditions.ts";
import { advance, type Cursor, openCursor, peek } from "./cursor.ts";
import { startPosition } from "./filter.ts";
import { type EnqueuedMessage, messageSize, runtimeMetrics, writeMessage } from "./message.ts";
import { claim, giveUp } from "./ownership.ts";
import type { PartitionLog } from "./partition_log.ts";
import type { AmqpError, RheaSender } from "./rhea.ts";
import { hasPending, maxPayload, sessionWindow, transferSize, writeTransfer } from "./transfers.ts";

const NO_ANNOTATIONS = Buffer.alloc(0);
/** Bytes written for one receiver before the others have their turn. */
const TURN_BYTES = 256 * 1024;
const METRICS_CAPABILITY = "com.microsoft:enable-receiver-runtime-metric";

/** Answers the attach of a link on which a client wants to receive; refuses it with an error. */
export function attachReceiver(broker: Broker, client: Client, link: RheaSender): void {
  const opened = openSubscription(broker, client, link);
  if ("error" in opened) return link.close(opened.error);
  const subscription = opened.subscription;
  const refusal = claim(broker, subscription);
  if (refusal !== null) return link.close(refusal);
  link.set_source({ address: link.source?.address, filter: undefined });
  link.set_target({ address: link.target?.address });
  link.local.attach.max_message_size = broker.limits.messageBytes;
  if (subscription.wantsMetrics) link.local.attach.offered_capabilities = [METRICS_CAPABILITY];
  if (subscription.settled) link.local.attach.snd_settle_mode = 1;
  subscription.log.listeners.add(subscription.wake);
  client.subscriptions.set(link, subscription);
}

/** Ends a subscription; with an error, the client is told. Safe to call twice. */
export function detachReceiver(
  broker: Broker,
  subscription: Subscription,
  error?: AmqpError,
): void {
  if (subscription.closed) return;
  subscription.closed = true;
  subscription.log.listeners.delete(subscription.wake);
  subscription.client.subscriptions.delete(subscription.link);
  giveUp(broker, subscription);
  if (error !== undefined) subscription.link.close(error);
}

function openSubscription(
  broker: Broker,
  client: Client,
  link: RheaSender,
): { subscription: Subscription } | { error: AmqpError } {
  const address = link.source?.address ?? "";
  const parsed = parseAddress(address);
  if (parsed.kind !== "group") return { error: notFound(address) };
  const path = `${parsed.hub}/ConsumerGroups/${parsed.group}/Partitions/${parsed.partition}`;
  const denied = authorize(broker, client, path, "Listen");
  if (denied !== null) return { error: denied };
  const hub = resolveHub(broker.catalogue, parsed.hub);
  if ("error" in hub) return hub;
  const group = resolveGroup(hub.found, parsed.group);
  if ("error" in group) return group;
  const partition = resolvePartition(hub.found, parsed.partition);
  if ("error" in partition) return partition;
  const log = hub.found.partitions[partition.found]!;
  const placed = placeCursor(log, link);
  if ("error" in placed) return placed;
  const subscription: Subscription = {
    client,
    link,
    hub: hub.found,
    group: group.found,
    partition: partition.found,
    path,
    log,
    cursor: placed.cursor,
    epoch: epochOf(link),
    receiver: String(link.properties?.["com.microsoft:receiver-name"] ?? link.name),
    wantsMetrics: [link.desired_capabilities ?? []].flat().includes(METRICS_CAPABILITY),
    settled: link.snd_settle_mode !== 0,
    scheduled: false,
    wake: () => schedule(broker, subscription),
    closed: false,
  };
  return { subscription };
}

function placeCursor(
  log: PartitionLog,
  link: RheaSender,
): { cursor: Cursor } | { error: AmqpError } {
  const start = startPosition(link.source);
  if (start === null) {
    return { error: invalidField("The filter of the receiver is not supported.") };
  }
  const cursor = openCursor(log, start);
  if (cursor !== null) return { cursor };
  const { sequence, offset } = log.newest;
  const given = "value" in start ? start.value : start.kind;
  return {
    error: argumentOutOfRange(
      `The supplied position '${given}' is invalid. The last sequence number in the system is ` +
        `'${sequence}', the last offset is '${offset}'.`,
    ),
  };
}

function epochOf(link: RheaSender): number | null {
  const epoch = link.properties?.["com.microsoft:epoch"];
  if (epoch === undefined || epoch === null) return null;
  // rhea leaves numbers beyond 2^53 as eight bytes
  return Buffer.isBuffer(epoch) ? Number(epoch.readBigInt64BE(0)) : Number(epoch);
}

/** Sends soon, once for any number of calls, and after the answers rhea still has to write. */
function schedule(broker: Broker, subscription: Subscription): void {
  if (subscription.scheduled || subscription.closed) return;
  subscription.scheduled = true;
  setImmediate(() => {
    subscription.scheduled = false;
    if (!subscription.closed && subscription.link.is_open()) deliver(broker, subscription);
  });
}

function deliver(broker: Broker, subscription: Subscription): void {
  const { link, log, cursor } = subscription;
  const socket = subscription.client.socket;
  if (socket.congested() || hasPending(link.session)) return; // `drain` and flows wake it again
  const metrics = subscription.wantsMetrics
    ? runtimeMetrics(log.newest, broker.now())
    : NO_ANNOTATIONS;
  const sent = subscription.settled
    ? sendSettled(subscription, metrics)
    : sendUnsettled(subscription, metrics);
  if (sent.events > 0) count(broker, subscription, sent);
  if (sent.more) return schedule(broker, subscription);
  if (link._draining && link.credit > 0 && peek(log, cursor) === null) {
    link.set_drained(true);
    link.connection._register();
  }
}

interface Sent {
  events: number;
  bytes: number;
  sequence: number;
  /** Whether it stopped only to let others have their turn. */
  more: boolean;
}

function sendSettled(subscription: Subscription, metrics: Buffer): Sent {
  const { link, log, cursor } = subscription;
  const sent: Sent = { events: 0, bytes: 0, sequence: -1, more: false };
  const perFrame = maxPayload(link);
  let target = Buffer.allocUnsafe(64 * 1024);
  let at = 0;
  while (link.credit > 0) {
    const message = peek(log, cursor);
    if (message === null) break;
    const payload = messageSize(message, metrics);
    if (sessionWindow(link.session) < Math.ceil(payload / perFrame)) break;
    const size = transferSize(payload, perFrame);
    if (at + size > target.length) {
      if (at > 0) subscription.client.socket.write(target.subarray(0, at));
      if (sent.bytes >= TURN_BYTES) return { ...sent, more: true };
      target = Buffer.allocUnsafe(Math.max(64 * 1024, size));
      at = 0;
    }
    const write = (bytes: Buffer, to: number) => writeMessage(bytes, to, message, metrics);
    at = writeTransfer(link, target, at, payload, write, perFrame);
    countOne(sent, message);
    advance(cursor);
  }
  if (at > 0) subscription.client.socket.write(target.subarray(0, at));
  return sent;
}

/** For clients that want to answer each delivery: rhea keeps account of them. */
function sendUnsettled(subscription: Subscription, metrics: Buffer): Sent {
  const { link, log, cursor } = subscription;
  const sent: Sent = { events: 0, bytes: 0, sequence: -1, more: false };
  for (let credit = link.credit; credit > 0 && link.sendable(); credit--) {
    const message = peek(log, cursor);
    if (message === null) break;
    if (sent.bytes >= TURN_BYTES) return { ...sent, more: true };
    const bytes = Buffer.allocUnsafe(messageSize(message, metrics));
    link.send(bytes.subarray(0, writeMessage(bytes, 0, message, metrics)), undefined, 0);
    countOne(sent, message);
    advance(cursor);
  }
  return sent;
}

function countOne(sent: Sent, message: EnqueuedMessage): void {
  sent.events++;
  sent.bytes += message.rest.length;
  sent.sequence = message.sequence;
}

function count(broker: Broker, subscription: Subscription, sent: Sent): void {
  const { hub, group, partition } = subscription;
  const traffic = trafficOf(broker, hub.name, partition);
  traffic.eventsOut += sent.events;
  traffic.bytesOut += sent.bytes;
  broker.positions.set(partitionId(hub.name, group, partition), {
    sequence: sent.sequence,
    atMs: broker.now(),
  });
}
