import { Buffer } from "node:buffer";

/**
 * The partition that a key's events go to: the service's own hash (Bob Jenkins' lookup3 over the
 * key's UTF-8 bytes, folded to 16 bits), so that events land as they would in the cloud.
 *
 * @param key partition key
 * @param partitions how many partitions the hub has
 */
export function partitionOfKey(key: string, partitions: number): number {
  const { b, c } = lookup3(Buffer.from(key, "utf8"));
  const folded = ((b ^ c) << 16) >> 16;
  return Math.abs(folded % partitions);
}

/** Hash state after all bytes, both seeds 0. */
function lookup3(bytes: Buffer): { b: number; c: number } {
  let a = (0xdeadbeef + bytes.length) | 0;
  let b = a;
  let c = a;
  let at = 0;
  let left = bytes.length;
  while (left > 12) {
    a = (a + bytes.readInt32LE(at)) | 0;
    b = (b + bytes.readInt32LE(at + 4)) | 0;
    c = (c + bytes.readInt32LE(at + 8)) | 0;
    a = ((a - c) | 0) ^ rotate(c, 4), c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotate(a, 6), a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotate(b, 8), b = (b + a) | 0;
    a = ((a - c) | 0) ^ rotate(c, 16), c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotate(a, 19), a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotate(b, 4), b = (b + a) | 0;
    at += 12;
    left -= 12;
  }
  if (left === 0) return { b, c };
  const tail = Buffer.alloc(12);
  bytes.copy(tail, 0, at);
  a = (a + tail.readInt32LE(0)) | 0;
  b = (b + tail.readInt32LE(4)) | 0;
  c = (c + tail.readInt32LE(8)) | 0;
  c = ((c ^ b) - rotate(b, 14)) | 0;
  a = ((a ^ c) - rotate(c, 11)) | 0;
  b = ((b ^ a) - rotate(a, 25)) | 0;
  c = ((c ^ b) - rotate(b, 16)) | 0;
  a = ((a ^ c) - rotate(c, 4)) | 0;
  b = ((b ^ a) - rotate(a, 14)) | 0;
  c = ((c ^ b) - rotate(b, 24)) | 0;
  return { b, c };
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
