import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/**
 * HMAC-SHA256 of short texts, many times with one key: the key's two blocks are hashed once, so a
 * request's signature costs three blocks and no call out of JavaScript (a tenth of node:crypto's
 * time, most of which is the call).
 */
export interface SigningKey {
  inner: Int32Array;
  outer: Int32Array;
}

const BLOCK = 64;

/** Prepares a key. */
export function signingKey(key: Uint8Array): SigningKey {
  const short = key.length > BLOCK ? createHash("sha256").update(key).digest() : key;
  const padded = (fill: number) => {
    const block = Buffer.alloc(BLOCK, fill);
    short.forEach((byte, i) => block[i] = byte ^ fill);
    const state = Int32Array.from(START);
    compress(state, block, 0);
    return state;
  };
  return { inner: padded(0x36), outer: padded(0x5c) };
}

/** The signature of a text, 32 bytes. */
export function sign(key: SigningKey, text: string): Buffer {
  const room = text.length * 3 + 2 * BLOCK;
  const message = room <= scratch.length ? scratch : new Uint8Array(room);
  digest(key.inner, message, encoder.encodeInto(text, message).written);
  writeWords(own, message);
  digest(key.outer, message, 32);
  const signature = Buffer.allocUnsafe(32);
  writeWords(own, signature);
  return signature;
}

const encoder = new TextEncoder();
/** Room for a usual message with its padding, used again and again. */
const scratch = new Uint8Array(4096);
/** The state of the digest under way. */
const own = new Int32Array(8);

/** Goes on hashing from a state that has taken one block; pads the message where it lies. */
function digest(state: Int32Array, message: Uint8Array, length: number): void {
  const end = Math.ceil((length + 9) / BLOCK) * BLOCK;
  message.fill(0, length, end);
  message[length] = 0x80;
  const bits = (length + BLOCK) * 8;
  for (let i = 0; i < 4; i++) message[end - 1 - i] = bits >>> i * 8;
  own.set(state);
  for (let at = 0; at < end; at += BLOCK) compress(own, message, at);
}

function writeWords(words: Int32Array, to: Uint8Array): void {
  for (let i = 0; i < 32; i++) to[i] = words[i >> 2]! >>> 24 - i % 4 * 8;
}

/** First 32 bits of the fractional parts of roots of the first primes. */
function rootBits(count: number, root: (n: number) => number): Int32Array {
  const bits: number[] = [];
  for (let n = 2; bits.length < count; n++) {
    let isPrime = true;
    for (let i = 2; i * i <= n; i++) if (n % i === 0) isPrime = false;
    if (isPrime) bits.push((root(n) % 1) * 0x1_0000_0000 | 0);
  }
  return Int32Array.from(bits);
}

const START = rootBits(8, Math.sqrt);
const ROUNDS = rootBits(64, Math.cbrt);
const words = new Int32Array(64);

function compress(state: Int32Array, data: Uint8Array, at: number): void {
  for (let i = 0; i < 16; i++) {
    const p = at + i * 4;
    words[i] = data[p]! << 24 | data[p + 1]! << 16 | data[p + 2]! << 8 | data[p + 3]!;
  }
  for (let i = 16; i < 64; i++) {
    const [x, y] = [words[i - 15]!, words[i - 2]!];
    const s0 = (x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3;
    const s1 = (y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10;
    words[i] = words[i - 16]! + s0 + words[i - 7]! + s1;
  }
  let a = state[0]!, b = state[1]!, c = state[2]!, d = state[3]!;
  let e = state[4]!, f = state[5]!, g = state[6]!, h = state[7]!;
  for (let i = 0; i < 64; i++) {
    const s1 = (e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7);
    const t1 = h + s1 + (e & f ^ ~e & g) + ROUNDS[i]! + words[i]! | 0;
    const s0 = (a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10);
    const t2 = s0 + (a & b ^ a & c ^ b & c) | 0;
    h = g;
    g = f;
    f = e;
    e = d + t1 | 0;
    d = c;
    c = b;
    b = a;
    a = t1 + t2 | 0;
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
  state[4]! += e;
  state[5]! += f;
  state[6]! += g;
  state[7]! += h;
}
