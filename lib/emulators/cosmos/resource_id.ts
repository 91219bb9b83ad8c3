import { Buffer } from "node:buffer";

/** Resource id of a database: four bytes, base64 with `-` for `/`. */
export function databaseRid(number: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return encode(bytes);
}

/** Resource id of a container: eight bytes, its database's and its own with the top bit set. */
export function containerRid(database: number, number: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(database);
  bytes.writeUInt32BE((number | 0x80000000) >>> 0, 4);
  return encode(bytes);
}

/**
 * Builds the function that names a container's items. The container's eight bytes are 32/3
 * base64 digits, so the last two bytes are encoded again with the item's own eight.
 *
 * @param container resource id of the container
 */
export function itemRids(container: string): (item: number) => string {
  const head = Buffer.from(container.replaceAll("-", "/"), "base64");
  const prefix = encode(head.subarray(0, 6));
  const tail = Buffer.alloc(10);
  head.copy(tail, 0, 6, 8);
  return (item) => {
    tail.writeUInt32LE(item % 0x1_0000_0000, 2);
    tail.writeUInt32LE(Math.floor(item / 0x1_0000_0000), 6);
    return prefix + encode(tail);
  };
}

function encode(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("/", "-");
}

/** The ETag of a version: unique in a container's life, and between containers of one name. */
export function etagOf(container: number, lsn: number, seconds: number): string {
  const low = (lsn % 0x1_0000_0000).toString(16).padStart(8, "0");
  const high = Math.floor(lsn / 0x1_0000_0000).toString(16).padStart(4, "0");
  const number = (container % 0x1_0000).toString(16).padStart(4, "0");
  return `"${low}-${high}-${number}-0000-${seconds.toString(16).padStart(8, "0")}0000"`;
}
