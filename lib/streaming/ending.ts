import { type Config, isAlive } from "clickstream/config";
import { StreamError } from "./errors.ts";
import { readQuery } from "./query_files.ts";
import { readState, type ReplayFile, streamFiles } from "./state_file.ts";
import type { LiveStream } from "./stream.ts";

/**
 * Whether the streaming query has committed everything that the replay sent, and so may end.
 *
 * @throws {StreamError} when the replay or the query failed
 */
export function liveHalfEnded(config: Config, query: LiveStream): boolean {
  const { state, error } = query.status();
  if (error !== null) throw error;
  if (state !== "running") return true;
  const replay = readReplay(config);
  if (replay === null || replay.ends === null) return false;
  const ends = Object.entries(replay.ends).map(([p, end]) => [Number(p), end] as const);
  return query.hasCommitted(new Map(ends));
}

/**
 * Whether the streaming query has ended, so that no midnight will be passed any more.
 *
 * @throws {StreamError} when the replay or the query failed
 */
export function streamEnded(config: Config): boolean {
  const replay = readReplay(config);
  const query = readQuery(config);
  if (query === null) return false;
  if (query.state === "failed") {
    throw new StreamError(`The streaming query (2b) failed: ${query.error}`);
  }
  if (query.state === "running" && !isAlive(query)) {
    throw new StreamError("The streaming query (2b) ended without finishing: run 2b again.");
  }
  return query.state !== "running" && replay?.state !== "running";
}

/**
 * Makes sure that neither a replay nor a streaming query is at work.
 *
 * @throws {StreamError} when one is
 */
export function checkStopped(config: Config): void {
  const replay = readState<ReplayFile>(streamFiles(config).replay);
  for (const part of [replay, readQuery(config)]) {
    if (part?.state === "running" && isAlive(part)) {
      throw new StreamError("A replay or a streaming query runs: stop 2a and 2b first.");
    }
  }
}

/** How far the replay is; null before it started. @throws {StreamError} when it failed */
function readReplay(config: Config): ReplayFile | null {
  const replay = readState<ReplayFile>(streamFiles(config).replay);
  if (replay?.state === "failed") {
    throw new StreamError(`The replay (2a) failed: ${replay.error}`);
  }
  if (replay?.state === "running" && !isAlive(replay)) {
    throw new StreamError(
      "The replay (2a) ended without finishing: run 2a again, it goes on where it was.",
    );
  }
  return replay;
}
