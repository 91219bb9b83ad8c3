import type { AddFile } from "./actions.ts";
import type { Snapshot } from "./snapshot.ts";
import { statsOf } from "./stats.ts";

/** A tier holds files of up to four times as many rows as the tier below. */
const GROWTH = 4;
const LEAST_ROWS = 1_000;
/** Files with more rows stay as they are. */
const MOST_ROWS = 245_760;
/** Files of one tier that may lie side by side. */
const MOST_FILES = 8;

/**
 * Small files to write anew along with new rows, so that a table which many small merges write to
 * keeps few files: when a tier of sizes is full, its files become one of a tier above. So each row
 * is written anew only a few times, however many merges there are.
 *
 * @param taken files that are written anew anyhow
 * @param rows number of new rows
 */
export function tooManySmall(
  snapshot: Snapshot,
  taken: ReadonlySet<AddFile>,
  rows: number,
): AddFile[] {
  const tiers = new Map<string, AddFile[]>();
  for (const file of snapshot.files.values()) {
    const size = statsOf(file).numRecords;
    if (size === undefined || size > MOST_ROWS || taken.has(file)) continue;
    const key = `${tierOf(size)} ${JSON.stringify(file.partitionValues)}`;
    const tier = tiers.get(key);
    if (tier === undefined) tiers.set(key, [file]);
    else tier.push(file);
  }
  const full = [...tiers].filter(([key, files]) =>
    files.length + (Number.parseInt(key) === tierOf(rows) ? 1 : 0) > MOST_FILES
  );
  return full.flatMap(([, files]) => files);
}

function tierOf(rows: number): number {
  return Math.max(0, Math.ceil(Math.log(rows / LEAST_ROWS) / Math.log(GROWTH)));
}
