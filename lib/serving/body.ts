import { ApiError } from "./errors.ts";

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
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
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
      reader.cancel().catch(() => {});
      throw tooLarge(maxBytes);
    }
    chunks.push(value);
  }
  return decode(chunks);
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
