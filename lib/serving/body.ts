import { ApiError } from "./errors.ts";

/** Bytes of a refused body that are taken off the wire, so that its sender gets to read the answer. */
const DISCARDED_BYTES = 64 * 1024 * 1024;

/**
 * Reads the body of a request as UTF-8 text.
 *
 * @param maxBytes a longer body is refused without being read to its end
 * @param timeoutMs a body that takes longer to arrive is given up
 * @throws {ApiError} REQUEST_TOO_LARGE, REQUEST_TIMEOUT, or BAD_REQUEST when it is not UTF-8
 */
export async function readBody(
  request: Request,
  maxBytes: number,
  timeoutMs: number,
): Promise<string> {
  const told = Number(request.headers.get("content-length") ?? 0);
  if (told > maxBytes) throw tooLarge(maxBytes);
  if (request.body === null) return "";
  const reader = request.body.getReader();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    reader.cancel().catch(() => {});
  }, timeoutMs);
  try {
    const text = await readAll(reader, maxBytes);
    if (timedOut) throw tooSlow(timeoutMs);
    return text;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    if (timedOut) throw tooSlow(timeoutMs);
    throw new ApiError("BAD_REQUEST", "The body broke off before its end: send it again.", {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

async function readAll(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maxBytes: number,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  while (true) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.byteLength;
    if (bytes > maxBytes) {
      await discard(reader);
      throw tooLarge(maxBytes);
    }
    chunks.push(value);
  }
  return decode(chunks);
}

/**
 * Takes a body that nobody has read off the wire: a connection closed over unread bytes is reset,
 * and its sender would not see the answer.
 *
 * @param timeoutMs milliseconds it may take
 */
export async function discardBody(request: Request, timeoutMs: number): Promise<void> {
  if (request.body === null || request.bodyUsed || request.body.locked) return;
  const reader = request.body.getReader();
  const timer = setTimeout(() => reader.cancel().catch(() => {}), timeoutMs);
  await discard(reader).finally(() => clearTimeout(timer));
}

async function discard(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  try {
    let bytes = 0;
    while (bytes < DISCARDED_BYTES) {
      const { done, value } = await reader.read();
      if (done) return;
      bytes += value.byteLength;
    }
    await reader.cancel();
  } catch {
    // The sender is gone: there is nobody to answer.
  }
}

function decode(chunks: Uint8Array[]): string {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("") +
      decoder.decode();
  } catch (error) {
    throw new ApiError("BAD_REQUEST", "The body is not UTF-8 text.", { cause: error });
  }
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError(
    "REQUEST_TOO_LARGE",
    `The body is longer than ${maxBytes} bytes: send fewer rows at once.`,
  );
}

function tooSlow(timeoutMs: number): ApiError {
  return new ApiError("REQUEST_TIMEOUT", `The body did not arrive within ${timeoutMs} ms.`);
}
