import type { Config } from "clickstream/config";
import {
  type HistoryFile,
  type QueryFile,
  readQuery,
  readState,
  streamFiles,
} from "clickstream/streaming";

/**
 * Reads the newest event time of the stream: what the streaming query has committed last; before it
 * ran, the newest of history. Null when there is neither.
 *
 * @param config whose home is read
 * @param keepMs milliseconds for which an answer is kept
 */
export function streamTimeOf(
  config: Pick<Config, "home">,
  keepMs = 250,
): () => Promise<bigint | null> {
  const files = streamFiles(config);
  let readAt = -Infinity;
  let kept: bigint | null = null;
  return () => {
    if (performance.now() - readAt >= keepMs) {
      readAt = performance.now();
      kept = newestOf(readQuery(config), readState(files.history));
    }
    return Promise.resolve(kept);
  };
}

function newestOf(query: QueryFile | null, history: HistoryFile | null): bigint | null {
  const known = [query?.newestEventTime ?? null, history?.newestEventTime ?? null]
    .filter((time) => time !== null);
  return known.length === 0 ? null : BigInt(Math.round(Math.max(...known)));
}
