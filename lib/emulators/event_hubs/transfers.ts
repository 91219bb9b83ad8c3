import { Buffer } from "node:buffer";
import process from "node:process";
import type { Client } from "./broker.ts";
import type { AmqpError, Delivery, RheaReceiver, RheaSender, RheaSession } from "./rhea.ts";
import { MAX_FRAME } from "./socket.ts";
import { encodeText } from "./wire.ts";

/*
 * Transfers and their answers, written as bytes beside rhea. It would build a dozen objects for each
 * transfer and send them one by one; and it merges the answers of neighbours without looking at all
 * of them, so that a refused transfer after an accepted one would be told accepted. Its counters are
 * kept in step, so that its own frames fit in between.
 */

const TRANSFER_HEAD = 38;

/** How many transfer frames the client's session has room for. */
export function sessionWindow({ outgoing }: RheaSession): number {
  const seen = outgoing.remote_next_transfer_id ?? 0;
  const window = outgoing.remote_window ?? 0;
  return window - ((outgoing.next_transfer_id - seen) >>> 0);
}

/** Whether rhea holds back deliveries of the session that have to leave first. */
export function hasPending({ outgoing }: RheaSession): boolean {
  return outgoing.next_pending_delivery !== outgoing.next_delivery_id;
}

/** Largest payload of one transfer frame to this client. */
export function maxPayload(link: RheaSender): number {
  const theirs = link.connection.remote.open?.max_frame_size ?? MAX_FRAME;
  return Math.max(512, Math.min(theirs, MAX_FRAME)) - TRANSFER_HEAD;
}

/** Bytes that {@link writeTransfer} needs for a payload. */
export function transferSize(payload: number, perFrame: number): number {
  return payload + TRANSFER_HEAD * Math.max(1, Math.ceil(payload / perFrame));
}

/**
 * Writes one settled delivery as one or more transfer frames, and counts it.
 *
 * @param write puts the payload at a position of `target` and returns the position after it; used
 * when the payload fits one frame
 * @param payload upper bound of the payload's size
 * @returns the position after the last frame
 */
export function writeTransfer(
  link: RheaSender,
  target: Buffer,
  at: number,
  payload: number,
  write: (target: Buffer, at: number) => number,
  perFrame: number,
): number {
  const { outgoing } = link.session;
  const delivery = outgoing.next_delivery_id++;
  outgoing.next_pending_delivery++;
  link.credit--;
  link.delivery_count++;
  if (payload <= perFrame) {
    const start = at;
    at = write(target, writeHead(link, target, at, delivery, false));
    target.writeUInt32BE(at - start, start);
    outgoing.next_transfer_id++;
    return at;
  }
  const whole = Buffer.allocUnsafe(payload);
  const length = write(whole, 0);
  for (let from = 0; from < length; from += perFrame) {
    const to = Math.min(from + perFrame, length);
    const start = at;
    at = writeHead(link, target, at, delivery, to < length);
    at += whole.copy(target, at, from, to);
    target.writeUInt32BE(at - start, start);
    outgoing.next_transfer_id++;
  }
  return at;
}

function writeHead(
  link: RheaSender,
  target: Buffer,
  at: number,
  delivery: number,
  more: boolean,
): number {
  target.writeUInt32BE(0x02000000 + link.session.local.channel, at + 4);
  at += 8;
  target[at++] = 0x00;
  target[at++] = 0x53;
  target[at++] = 0x14;
  target[at++] = 0xc0;
  target[at++] = 25; // size of what follows: count, handle, id, tag, format, settled, more, nulls
  target[at++] = 11;
  target[at++] = 0x70;
  at = target.writeUInt32BE(link.local.handle, at);
  target[at++] = 0x70;
  at = target.writeUInt32BE(delivery >>> 0, at);
  target[at++] = 0xa0;
  target[at++] = 4;
  at = target.writeUInt32BE(delivery >>> 0, at);
  target[at++] = 0x43;
  target[at++] = 0x41;
  target[at++] = more ? 0x41 : 0x42;
  return at + target.write("@@@@@", at, "latin1"); // five nulls: Python's client counts the fields
}

const ACCEPTED = Buffer.from([0x00, 0x53, 0x24, 0x45]);
const FALSE = Buffer.from([0x42]);

/** An answer to a transfer that has not been written yet. */
export interface Answer {
  link: RheaReceiver;
  delivery: Delivery;
  /** Why it is refused; null accepts it. */
  error: AmqpError | null;
}

/**
 * Answers a transfer: accepted, or refused with an error. All answers of one turn are written
 * together, one frame for each run of accepted transfers.
 *
 * @param error why it is refused; null accepts it
 */
export function answerTransfer(
  client: Client,
  link: RheaReceiver,
  delivery: Delivery,
  error: AmqpError | null,
): void {
  if (client.answers.length === 0) process.nextTick(() => writeAnswers(client));
  client.answers.push({ link, delivery, error });
  delivery.settled = true;
}

/** Writes what {@link answerTransfer} has gathered. */
export function writeAnswers(client: Client): void {
  const answers = client.answers.splice(0).sort((a, b) =>
    channelOf(a) - channelOf(b) || ((a.delivery.id - b.delivery.id) | 0)
  );
  for (let from = 0, to = 0; from < answers.length; from = to) {
    for (to = from + 1; to < answers.length && follows(answers[to - 1]!, answers[to]!);) to++;
    client.socket.write(disposition(answers[from]!, answers[to - 1]!.delivery.id));
  }
  client.rhea._register(); // lets rhea forget them and widen the session's window
}

function channelOf({ link }: Answer): number {
  return link.session.local.channel;
}

function follows(before: Answer, after: Answer): boolean {
  return before.error === null && after.error === null && channelOf(before) === channelOf(after) &&
    ((before.delivery.id + 1) >>> 0) === after.delivery.id;
}

function disposition(answer: Answer, last: number): Buffer {
  const state = answer.error === null ? ACCEPTED : rejected(answer.error);
  // role, first, last, settled, state, batchable
  const fields = Buffer.from([6, 0x41, 0x70, 0, 0, 0, 0, 0x70, 0, 0, 0, 0, 0x41]);
  fields.writeUInt32BE(answer.delivery.id >>> 0, 3);
  fields.writeUInt32BE(last >>> 0, 8);
  const head = Buffer.from([0, 0, 0, 0, 2, 0, 0, 0, 0x00, 0x53, 0x15, 0xd0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt16BE(channelOf(answer), 6);
  const frame = Buffer.concat([head, fields, state, FALSE]);
  frame.writeUInt32BE(frame.length, 0);
  frame.writeUInt32BE(frame.length - 16, 12);
  return frame;
}

function rejected({ condition, description }: AmqpError): Buffer {
  const empty = Buffer.from([0xc1, 1, 0]);
  const fields = [encodeText(condition, true), encodeText(description), empty];
  return describedList(0x25, [describedList(0x1d, fields)]);
}

function describedList(code: number, items: Buffer[]): Buffer {
  const content = Buffer.concat(items);
  const head = Buffer.from([0x00, 0x53, code, 0xd0, 0, 0, 0, 0, 0, 0, 0, items.length]);
  head.writeUInt32BE(content.length + 4, 4);
  return Buffer.concat([head, content]);
}
