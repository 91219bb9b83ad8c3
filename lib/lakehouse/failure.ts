import { CorruptTableError, DeltaError, SchemaError } from "./errors.ts";

const FILE_FAILURE =
  /No files found|Cannot open file|magic bytes|not a parquet|too small|Could not read|modified/i;
const PAGE_FAILURE =
  /TProtocolException|thrift|(snappy|zstd|lz4)\S* decompression|corrupt|parquet.*(out of buffer|invalid)/i;
const MISFIT =
  /^(Conversion Error|Out of Range Error|Invalid Input Error: (Failed to cast|Conversion Error))/;

/**
 * What an error of the engine means for a table: values that do not fit, a data file that is
 * missing or damaged, a full disk; anything else as it came.
 *
 * @param what names the table or the query
 */
export function explainFailure(what: string, cause: unknown): unknown {
  if (cause instanceof DeltaError || !(cause instanceof Error)) return cause;
  const { message } = cause;
  const reason = message.split("\n")[0]!;
  if (/No space left|disk quota/i.test(message)) {
    return new DeltaError(`${what}: the disk is full (${reason}); nothing was committed.`, {
      cause,
    });
  }
  const file = /([^"'\s]+\.parquet)/.exec(reason)?.[1];
  if ((file !== undefined && FILE_FAILURE.test(reason)) || PAGE_FAILURE.test(reason)) {
    return new CorruptTableError(
      `${what}: ${
        file === undefined ? "a data file" : `data file ${file}`
      } is missing or damaged (${reason}): restore it from a copy, or the table to a version without it.`,
      { cause },
    );
  }
  if (MISFIT.test(message)) {
    const plain = reason.replace(/^Invalid Input Error: /, "");
    return new SchemaError(`${what}: a value does not fit its column (${plain}).`, { cause });
  }
  return cause;
}
