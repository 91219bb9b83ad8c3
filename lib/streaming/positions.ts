import { type Config, isAlive } from "clickstream/config";
import type { OnlinePosition } from "./publisher.ts";
import { readQuery } from "./query_files.ts";
import { type HistoryFile, readState, streamFiles } from "./state_file.ts";
import { LATENESS_MICROS } from "./watermark.ts";

/** Last sequence numbers by partition. */
export type Positions = Map<number, number>;

/** How far the live half is, as the query's file says; before its first start, as history left it. */
export interface LivePositions {
  /** Microseconds since 1970; -Infinity before any event. */
  watermark: number;
  /** What the online store shows for sure. */
  online: OnlinePosition;
  /** Whether a query is at work now. */
  running: boolean;
}

/** Reads how far the live half is. */
export function livePositions(config: Pick<Config, "home">): LivePositions {
  const files = streamFiles(config);
  const history = readState<HistoryFile>(files.history);
  const query = readQuery(config);
  const seeded = history === null ? -Infinity : seededWatermark(history);
  const ends = Object.entries(query?.online?.ends ?? {});
  return {
    watermark: Math.max(seeded, query?.watermark ?? -Infinity),
    online: {
      ends: new Map(ends.map(([partition, end]) => [Number(partition), end])),
      watermark: query?.online?.watermark ?? seeded,
    },
    running: query?.state === "running" && isAlive(query),
  };
}

/** The watermark at the cutoff, by which the online store was seeded; microseconds since 1970. */
export function seededWatermark({ newestEventTime }: HistoryFile): number {
  return newestEventTime === null ? -Infinity : newestEventTime - LATENESS_MICROS;
}

/** SQL condition over silver of live events after these positions. */
export function beyond(positions: ReadonlyMap<number, number>): string {
  if (positions.size === 0) return "partition is not null";
  const after = [...positions].map(([p, end]) => `(partition = ${p} and sequence_number > ${end})`);
  return `(${after.join(" or ")} or partition not in (${[...positions.keys()].join(", ")}))`;
}

/**
 * SQL condition over silver of history and of live events up to these positions.
 *
 * @param prefix qualifies the columns, as in `event.`
 */
export function upTo(positions: ReadonlyMap<number, number>, prefix = ""): string {
  const reached = [...positions].map(([p, end]) =>
    `(${prefix}partition = ${p} and ${prefix}sequence_number <= ${end})`
  );
  return `(${[`${prefix}partition is null`, ...reached].join(" or ")})`;
}
