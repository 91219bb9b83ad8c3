import { rmSync } from "node:fs";
import { betweenWrites } from "./commit.ts";
import { isEmpty, logBytes, type PartitionLog, rollSegment } from "./partition_log.ts";
import { closeSegment, lastEnqueued } from "./segment.ts";

/** How long and how much a partition keeps. */
export interface Retention {
  /** Milliseconds an event is kept. */
  ms: number;
  /** Bytes a partition keeps; the oldest events go first. */
  bytes: number;
}

/**
 * Removes the segments whose events are all too old, and the oldest ones while the partition is too
 * large. Readers that stand in them go on from the oldest event left.
 *
 * @returns how many segments were removed
 */
export async function applyRetention(log: PartitionLog, retention: Retention): Promise<number> {
  const limit = log.options.now() - retention.ms;
  await rollWhenDue(log, retention, limit);
  let removed = 0;
  while (log.segments.length > 1) {
    if (!isOld(log, limit) && logBytes(log) <= retention.bytes) break;
    removeOldest(log);
    removed++;
  }
  return removed;
}

/** The segment written to is closed once all of it, or a good part of the time, has gone by. */
async function rollWhenDue(log: PartitionLog, retention: Retention, limit: number): Promise<void> {
  if (isEmpty(log) || log.closed) return;
  const active = log.segments.at(-1)!;
  const old = log.newest.enqueuedMs < limit;
  const longOpen = active.firstMs !== null && active.firstMs < limit + retention.ms * 0.75;
  const tooLarge = active.bytes > retention.bytes;
  if (!old && !longOpen && !tooLarge) return;
  await betweenWrites(log, () => rollSegment(log));
}

/** Whether all events of the oldest segment are too old; its end is read only if it decides that. */
function isOld({ segments }: PartitionLog, limit: number): boolean {
  const [oldest, next] = segments;
  if (oldest!.firstMs !== null && oldest!.firstMs >= limit) return false;
  if (next!.firstMs !== null && next!.firstMs < limit) return true;
  return (lastEnqueued(oldest!) ?? 0) < limit;
}

function removeOldest(log: PartitionLog): void {
  const oldest = log.segments.shift()!;
  closeSegment(oldest);
  rmSync(oldest.path, { force: true });
}
