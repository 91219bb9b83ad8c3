import { createReadStream, createWriteStream } from "node:fs";
import { open, rm, stat } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32, createGunzip } from "node:zlib";
import { ClickstreamError, NotFoundError } from "clickstream/config";
import { SchemaError } from "./errors.ts";

/** A plain file to read from, and how to let go of it. */
export interface PlainFile {
  path: string;
  /** Removes the file when it was unpacked for this; does nothing otherwise. */
  release(): Promise<void>;
}

/**
 * Gives a plain file for one that may be gzipped or zipped, told by its first bytes and not by
 * its name. Unpacking streams to a temporary file and checks length and checksum on the way.
 *
 * @param file path of the file
 * @param directory folder for the temporary file, default the system's
 * @throws {NotFoundError} when there is no such file
 * @throws {SchemaError} when the file is damaged or packed in a way not known here
 */
export async function unpack(file: string, directory: string = tmpdir()): Promise<PlainFile> {
  const kind = kindOf(await firstBytes(file), file);
  if (kind === "plain") return { path: file, release: () => Promise.resolve() };
  const path = join(directory, `clickstream-${randomUUID()}.csv`);
  const release = () => rm(path, { force: true });
  try {
    if (kind === "gzip") await gunzip(file, path);
    else await unzip(file, path);
  } catch (cause) {
    await release();
    throw explain(cause, file, directory);
  }
  return { path, release };
}

async function firstBytes(file: string): Promise<Uint8Array> {
  try {
    if (!(await stat(file)).isFile()) {
      throw new NotFoundError(`${file} is not a file: give the path of a CSV file.`);
    }
    const handle = await open(file);
    try {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(4), 0, 4, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof ClickstreamError) throw cause;
    const why = (cause as NodeJS.ErrnoException).code === "ENOENT"
      ? "does not exist: check the path"
      : "cannot be opened: check its permissions";
    throw new NotFoundError(`The file ${file} ${why}.`, { cause });
  }
}

function kindOf(start: Uint8Array, file: string): "plain" | "gzip" | "zip" {
  const is = (...bytes: number[]) => bytes.every((byte, index) => start[index] === byte);
  if (is(0x1F, 0x8B)) return "gzip";
  if (is(0x50, 0x4B)) return "zip";
  if (is(0x28, 0xB5, 0x2F, 0xFD) || is(0x42, 0x5A, 0x68) || is(0xFD, 0x37, 0x7A, 0x58)) {
    throw new SchemaError(
      `${file} is packed with zstd, bzip2 or xz: unpack it, or pack it with gzip or zip.`,
    );
  }
  if (is(0xFF, 0xFE) || is(0xFE, 0xFF)) {
    throw new SchemaError(`${file} is UTF-16 text: save it as CSV in UTF-8 and try again.`);
  }
  return "plain";
}

async function gunzip(file: string, to: string): Promise<void> {
  await pipeline(
    createReadStream(file, { highWaterMark: 1 << 20 }),
    createGunzip({ chunkSize: 1 << 20 }),
    createWriteStream(to, { flags: "wx" }),
  );
}

/** The little of yauzl, which has no types, that is used here. */
interface ZipFile {
  eachEntry(): AsyncIterable<ZipEntry>;
  openReadStreamPromise(entry: ZipEntry): Promise<Readable>;
  close(): void;
}

interface ZipEntry {
  fileName: string;
  crc32: number;
}

async function unzip(file: string, to: string): Promise<void> {
  const { default: yauzl } = await import("yauzl");
  const zip = await yauzl.openPromise(file, { autoClose: false }) as ZipFile;
  try {
    const entries: ZipEntry[] = [];
    for await (const entry of zip.eachEntry()) entries.push(entry);
    const [entry, second] = entries.filter(({ fileName }) =>
      /\.csv$/i.test(fileName) && !fileName.startsWith("__MACOSX/")
    );
    if (!entry || second) {
      const names = entries.slice(0, 5).map(({ fileName }) => fileName).join(", ") || "nothing";
      throw new SchemaError(
        `${file} does not hold exactly one CSV file (it holds ${names}): unpack it and give the path of the one to read.`,
      );
    }
    await copyChecked(await zip.openReadStreamPromise(entry), entry.crc32, file, to);
  } finally {
    zip.close();
  }
}

async function copyChecked(
  from: Readable,
  expected: number,
  file: string,
  to: string,
): Promise<void> {
  let sum = 0;
  const check = new PassThrough({ highWaterMark: 1 << 20 });
  check.on("data", (chunk: Uint8Array) => sum = crc32(chunk, sum));
  await pipeline(from, check, createWriteStream(to, { flags: "wx" }));
  if (sum !== expected) {
    throw new SchemaError(`The checksum in ${file} does not match: download it again.`);
  }
}

function explain(cause: unknown, file: string, directory: string): Error {
  if (cause instanceof ClickstreamError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === "ENOSPC") {
    return new ClickstreamError(
      `No space left in ${directory} to unpack ${file}: free some and try again.`,
      { cause },
    );
  }
  if (code === "ENOENT" || code === "EACCES") {
    return new ClickstreamError(`Cannot write to ${directory} to unpack ${file}: ${message}.`, {
      cause,
    });
  }
  return new SchemaError(
    `${file} is damaged or cut off (${message}): download or copy it again.`,
    { cause },
  );
}
