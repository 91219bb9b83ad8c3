import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Config, homePaths } from "clickstream/config";

/** How far behind the newest event the stream's watermark is, in microseconds. */
const ALLOWED_LATENESS = 3_600_000_000;

/** Files of the live half, as far as they tell times. All in microseconds since 1970-01-01 UTC. */
interface TimeFiles {
  /** Written by the streaming query. */
  query: { newestEventTime?: number | null; watermark?: number | null } | null;
  /** Written when history is published. */
  history: { newestEventTime?: number | null } | null;
}

/**
 * Reads the newest event time of the stream, from what the streaming query has written last; before
 * it ran, the newest of history. Null when there is neither.
 *
 * @param config whose home is read
 * @param keepMs milliseconds for which an answer is kept
 */
export function streamTimeOf(
  config: Pick<Config, "home">,
  keepMs = 250,
): () => Promise<bigint | null> {
  const folder = homePaths(config).stream;
  let readAt = -Infinity;
  let kept: Promise<bigint | null> = Promise.resolve(null);
  return () => {
    if (performance.now() - readAt < keepMs) return kept;
    readAt = performance.now();
    kept = readTimes(folder).then(newestOf);
    return kept;
  };
}

async function readTimes(folder: string): Promise<TimeFiles> {
  const [query, history] = await Promise.all(
    ["query.json", "history.json"].map((name) => readJson(join(folder, name))),
  );
  return { query, history } as TimeFiles;
}

function newestOf({ query, history }: TimeFiles): bigint | null {
  const watermark = query?.watermark ?? null;
  const streamed = query?.newestEventTime ??
    (watermark === null ? null : watermark + ALLOWED_LATENESS);
  const known = [streamed, history?.newestEventTime ?? null].filter((time) => time !== null);
  return known.length === 0 ? null : BigInt(Math.round(Math.max(...known)));
}

/** A file that is absent or being written tells nothing. */
async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    return null;
  }
}
