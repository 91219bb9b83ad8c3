import { TOTALS } from "./calibration.ts";
import { makeRandom } from "./random.ts";
import type { Visits } from "./visits.ts";

const LETTERS = new TextEncoder().encode(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
);
const HEX = new TextEncoder().encode("0123456789abcdef");
const UUID_SHARE = 0.02;
const LENGTH = 36;

/** Session strings as bytes: ten letters and digits, some UUIDs. */
export interface SessionNames {
  /** Writes the string of a session at `at` and answers where it ends. */
  write(session: number, target: Uint8Array, at: number): number;
  text(session: number): string;
}

/** Invents the strings; some of them serve the sessions of two users. */
export function makeSessionNames(visits: Visits, scale: number, seed: number): SessionNames {
  const random = makeRandom(seed, "session names");
  const bits = new Uint32Array(2 * visits.count);
  for (let i = 0; i < bits.length; i++) bits[i] = random.below(62 ** 5);
  const isLong = new Uint8Array(visits.count);
  for (let s = 0; s < visits.count; s++) isLong[s] = random.uniform() < UUID_SHARE ? 1 : 0;
  const shared = new Uint8Array(visits.count);
  for (let left = Math.round(TOTALS.sharedSessionStrings * scale); left > 0;) {
    const [one, other] = [random.below(visits.count), random.below(visits.count)];
    if (visits.user[one] === visits.user[other] || shared[one] || shared[other]) continue;
    shared[one] = shared[other] = 1;
    bits[2 * one] = bits[2 * other]!;
    bits[2 * one + 1] = bits[2 * other + 1]!;
    isLong[one] = isLong[other]!;
    left--;
  }
  const write = (session: number, target: Uint8Array, at: number) => {
    const [high, low] = [bits[2 * session]!, bits[2 * session + 1]!];
    return isLong[session] ? writeUuid(high, low, target, at) : writeShort(high, low, target, at);
  };
  const buffer = new Uint8Array(LENGTH);
  const decoder = new TextDecoder();
  return {
    write,
    text: (session) => decoder.decode(buffer.subarray(0, write(session, buffer, 0))),
  };
}

function writeShort(high: number, low: number, target: Uint8Array, at: number): number {
  for (let value of [high, low]) {
    for (let i = 0; i < 5; i++) {
      target[at++] = LETTERS[value % 62]!;
      value = (value / 62) | 0;
    }
  }
  return at;
}

/** A version 4 UUID from 64 bits, the rest of them mixed from these. */
function writeUuid(high: number, low: number, target: Uint8Array, at: number): number {
  const words = [
    high << 2,
    low << 2,
    Math.imul(high ^ 0x9E3779B9, 0x85EBCA6B),
    Math.imul(low, 0xC2B2AE35),
  ];
  for (let i = 0; i < 32; i++) {
    if (i === 8 || i === 12 || i === 16 || i === 20) target[at++] = 45;
    let digit = (words[i >> 3]! >>> (4 * (i & 7))) & 15;
    if (i === 12) digit = 4;
    if (i === 16) digit = 8 | (digit & 3);
    target[at++] = HEX[digit]!;
  }
  return at;
}
