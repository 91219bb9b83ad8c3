import { Buffer } from "node:buffer";
import type { Json } from "./json.ts";
import type { PartitionKeyDefinition } from "./partition_key.ts";

/** A range of effective partition keys: upper-case hexadecimal, `to` is not in. */
export interface KeyRange {
  from: string;
  to: string;
}

/**
 * The effective partition key, by which the service spreads items over its servers and by which
 * clients ask for a range of them: a hash of all components, or one hash for each of a hierarchy.
 *
 * @param parts values of the key; `{}` for a missing one
 */
export function effectiveKey(definition: PartitionKeyDefinition, parts: Json[]): string {
  if (definition.kind === "MultiHash") return parts.map((part) => hashed([part])).join("");
  return hashed(parts);
}

function hashed(parts: Json[]): string {
  const hash = murmur128(Buffer.concat(parts.map(encoded)));
  hash[0]! &= 0x3f;
  return hash.toString("hex").toUpperCase();
}

function encoded(part: Json): Buffer {
  if (part === null) return Buffer.of(1);
  if (part === false) return Buffer.of(2);
  if (part === true) return Buffer.of(3);
  if (typeof part === "string") {
    return Buffer.concat([Buffer.of(8), Buffer.from(part), Buffer.of(0xff)]);
  }
  if (typeof part !== "number") return Buffer.of(0);
  const bytes = Buffer.alloc(9, 5);
  bytes.writeDoubleLE(part, 1);
  return bytes;
}

const C1 = 0x87c37b91114253d5n;
const C2 = 0x4cf5ad432745937fn;
const wrap = (n: bigint) => BigInt.asUintN(64, n);
const turn = (n: bigint, by: bigint) => wrap(n << by) | (n >> (64n - by));

/** MurmurHash3 (x64, 128 bits, seed 0), most significant byte first. */
function murmur128(data: Buffer): Buffer {
  let [h1, h2] = [0n, 0n];
  const mix1 = (k: bigint) => wrap(turn(wrap(k * C1), 31n) * C2);
  const mix2 = (k: bigint) => wrap(turn(wrap(k * C2), 33n) * C1);
  const whole = data.length - data.length % 16;
  for (let at = 0; at < whole; at += 16) {
    h1 = wrap((turn(h1 ^ mix1(data.readBigUInt64LE(at)), 27n) + h2) * 5n + 0x52dce729n);
    h2 = wrap((turn(h2 ^ mix2(data.readBigUInt64LE(at + 8)), 31n) + h1) * 5n + 0x38495ab5n);
  }
  const tail = Buffer.alloc(16);
  data.copy(tail, 0, whole);
  h2 ^= mix2(tail.readBigUInt64LE(8));
  h1 ^= mix1(tail.readBigUInt64LE(0));
  const length = BigInt(data.length);
  h1 = wrap((h1 ^ length) + (h2 ^ length));
  h2 = wrap((h2 ^ length) + h1);
  h1 = finish(h1);
  h2 = finish(h2);
  h1 = wrap(h1 + h2);
  h2 = wrap(h2 + h1);
  const hash = Buffer.alloc(16);
  hash.writeBigUInt64BE(h2, 0);
  hash.writeBigUInt64BE(h1, 8);
  return hash;
}

function finish(hash: bigint): bigint {
  let h = hash;
  h = wrap((h ^ (h >> 33n)) * 0xff51afd7ed558ccdn);
  h = wrap((h ^ (h >> 33n)) * 0xc4ceb9fe1a85ec53n);
  return h ^ (h >> 33n);
}
