import { ClickstreamError } from "clickstream/config";

/** A streaming query, a replay or a daily batch could not go on. */
export class StreamError extends ClickstreamError {}

/** What ends a streaming query, as the error that says so. */
export function queryFailure(cause: unknown): StreamError {
  return cause instanceof StreamError
    ? cause
    : new StreamError(`The streaming query failed: ${(cause as Error).message}`, { cause });
}
