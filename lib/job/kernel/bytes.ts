/** Joins byte arrays into one. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Reads an exact number of bytes from a connection, keeping what came too early for the next read. */
export interface ByteReader {
  /** The next `count` bytes, or null when the other side closed the connection before them. */
  read(count: number): Promise<Uint8Array | null>;
}

/** A {@link ByteReader} over a connection. A connection closed on either side reads as its end. */
export function byteReader(connection: Pick<Deno.Conn, "read">): ByteReader {
  const chunk = new Uint8Array(64 * 1024);
  let held: Uint8Array[] = [];
  let heldBytes = 0;

  async function fill(count: number): Promise<boolean> {
    while (heldBytes < count) {
      const got = await connection.read(chunk).catch(() => null);
      if (got === null) return false;
      held.push(chunk.slice(0, got));
      heldBytes += got;
    }
    return true;
  }

  return {
    async read(count) {
      if (!await fill(count)) return null;
      const whole = held.length === 1 ? held[0]! : concatBytes(held);
      const rest = whole.subarray(count);
      held = rest.length > 0 ? [rest] : [];
      heldBytes = rest.length;
      return whole.subarray(0, count);
    },
  };
}
