import { createHash, type Hash } from "node:crypto";
import {
  closeSync,
  createReadStream,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { clearTimeout, setTimeout } from "node:timers";
import { ClickstreamError } from "clickstream/config";
import { DownloadError } from "./errors.ts";

/** What to download, and how. */
export interface DownloadOptions {
  url: string;
  /** Where the finished file goes; while downloading it is `file` + `.part`. */
  file: string;
  /** Expected SHA-256 in hexadecimal. */
  sha256: string;
  /** Called as bytes arrive; `total` is null when the server does not say. */
  onProgress?: ((done: number, total: number | null) => void) | undefined;
  /** Times that a cut connection is taken up again before giving up. @default 5 */
  retries?: number | undefined;
  /** Milliseconds without a byte after which the connection counts as cut. @default 30000 */
  idleMs?: number | undefined;
  /** Stops the download; what has come is kept for the next time. */
  signal?: AbortSignal | undefined;
}

/**
 * Downloads a file, or takes the one that is there and has the right checksum. A download that was
 * cut off goes on where it stopped when the server knows ranges, and begins anew when it does not.
 * The file appears under its name only when it is whole and its checksum is right.
 *
 * @throws {DownloadError} when the server refuses, cannot be reached, or sends something else
 */
export async function download(options: DownloadOptions): Promise<string> {
  const { file, sha256 } = options;
  if (existsSync(file)) {
    if (await hashOf(file) === sha256) return file;
    rmSync(file);
  }
  const part = `${file}.part`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    await fetchWhole(options, part);
  } catch (cause) {
    throw explain(options, cause);
  }
  const found = await hashOf(part);
  if (found !== sha256) {
    rmSync(part);
    throw new DownloadError(
      `What came from ${options.url} has the SHA-256 ${found}, expected ${sha256}: try again, or give the path of a file that you downloaded yourself.`,
    );
  }
  renameSync(part, file);
  return file;
}

/** A connection that ended early; worth another try. */
class CutOff extends Error {}

async function fetchWhole(options: DownloadOptions, part: string): Promise<void> {
  for (let left = options.retries ?? 5;; left--) {
    const before = sizeOf(part);
    try {
      return await fetchRest(options, part);
    } catch (error) {
      const wentOn = sizeOf(part) > before;
      if (!(error instanceof CutOff) || left <= 0 || options.signal?.aborted) throw error;
      if (!wentOn) await pause(250 * 2 ** ((options.retries ?? 5) - left), options.signal);
    }
  }
}

/** Asks for what is missing and appends it. */
async function fetchRest(options: DownloadOptions, part: string): Promise<void> {
  const have = sizeOf(part);
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(), options.idleMs ?? 30_000);
  const alive = () => timer.refresh();
  try {
    const signals = [idle.signal, ...(options.signal ? [options.signal] : [])];
    const response = await fetch(options.url, {
      headers: { "accept-encoding": "identity", ...(have > 0 && { range: `bytes=${have}-` }) },
      signal: AbortSignal.any(signals),
    });
    await receive(response, options, part, have, alive);
  } catch (error) {
    if (error instanceof ClickstreamError || options.signal?.aborted || isFileError(error)) {
      throw error;
    }
    throw new CutOff(idle.signal.aborted ? "nothing came for too long" : messageOf(error), {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

async function receive(
  response: Response,
  { url, onProgress }: DownloadOptions,
  part: string,
  have: number,
  alive: () => void,
): Promise<void> {
  if (response.status === 416) {
    // What is there is already as long as the file, or longer: the checksum decides.
    await response.body?.cancel();
    return;
  }
  if (!response.ok || !response.body) {
    await response.body?.cancel();
    if (response.status >= 500) throw new CutOff(`the server answered ${response.status}`);
    throw new DownloadError(
      `${url} answered ${response.status} ${response.statusText}: check the address, or give the path of a file that you downloaded yourself.`,
    );
  }
  const start = startOf(response, have);
  const length = Number(response.headers.get("content-length") ?? NaN);
  const total = Number.isFinite(length) ? start + length : null;
  const target = openSync(part, start === 0 ? "w" : "r+");
  let at = start;
  try {
    onProgress?.(at, total);
    for await (const chunk of response.body) {
      alive();
      for (let done = 0; done < chunk.length;) {
        const written = writeSync(target, chunk, done, chunk.length - done, at);
        done += written;
        at += written;
      }
      onProgress?.(at, total);
    }
  } finally {
    closeSync(target);
  }
  if (total !== null && at < total) throw new CutOff(`${at} of ${total} bytes came`);
}

/** Where the answer begins: a server without ranges sends the whole again. */
function startOf(response: Response, have: number): number {
  if (response.status !== 206) return 0;
  const range = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "");
  if (range && Number(range[1]) === have) return have;
  throw new CutOff("the server sent another range than the one asked for");
}

/** SHA-256 of a file, in hexadecimal. */
export async function hashOf(file: string): Promise<string> {
  const hash: Hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest("hex");
}

function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

function isFileError(error: unknown): boolean {
  return ["ENOSPC", "EACCES", "EROFS", "EDQUOT"].includes(
    (error as NodeJS.ErrnoException).code ?? "",
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function explain({ url, file, signal }: DownloadOptions, cause: unknown): Error {
  if (cause instanceof ClickstreamError) return cause;
  if (signal?.aborted) {
    return new DownloadError(`The download of ${url} was stopped; it goes on when started again.`, {
      cause,
    });
  }
  const why = messageOf(cause);
  if (isFileError(cause)) {
    return new DownloadError(`Cannot write ${file} (${why}): free space or choose another home.`, {
      cause,
    });
  }
  return new DownloadError(
    `${url} could not be downloaded (${why}): check the network and try again, what has come is kept; or give the path of a file that you downloaded yourself.`,
    { cause },
  );
}
