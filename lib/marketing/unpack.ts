import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { LandingError } from "./errors.ts";

/** A delivered file, unpacked. */
export interface UnpackedFile {
  /** Of the bytes as they were delivered: by it a file that comes twice is known. */
  sha256: string;
  bytes: Uint8Array;
}

/**
 * Reads a delivered file whole: hashes it, and unpacks gzip, told by its first bytes.
 *
 * @throws {LandingError} when it cannot be read, or its gzip data is damaged or cut off
 */
export function unpackFile(path: string): UnpackedFile {
  try {
    const packed = readFileSync(path);
    const sha256 = createHash("sha256").update(packed).digest("hex");
    const isGzip = packed[0] === 0x1f && packed[1] === 0x8b;
    return { sha256, bytes: isGzip ? gunzipSync(packed) : packed };
  } catch (cause) {
    throw new LandingError(
      `${path} is damaged or cut off (${(cause as Error).message}): deliver it again.`,
      { cause },
    );
  }
}

/** A line that no text can be made of. */
export interface BadLine {
  /** From 1. */
  line: number;
  /** What can be shown of it. */
  raw: string;
}

const [NEWLINE, SPACE] = [10, 32];

/** Blanks, in place, each line that is not UTF-8 text, so that the others keep their numbers. */
export function blankBadLines(bytes: Uint8Array): BadLine[] {
  if (isUtf8(bytes)) return [];
  const bad: BadLine[] = [];
  const loose = new TextDecoder();
  for (let [line, from] = [1, 0]; from < bytes.length; line++) {
    const newline = bytes.indexOf(NEWLINE, from);
    const end = newline < 0 ? bytes.length : newline;
    const part = bytes.subarray(from, end);
    if (!isUtf8(part)) {
      bad.push({ line, raw: loose.decode(part.subarray(0, 1000)) });
      part.fill(SPACE);
    }
    from = end + 1;
  }
  return bad;
}
