import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Config, homePaths, isAlive } from "clickstream/config";
import type { Share } from "./share.ts";
import { type QueryFile, readState, streamFiles, writeState } from "./state_file.ts";

const NAME = /^query(-\d+)?\.json$/;

/**
 * How far the streaming query is; null before its first start. Queries of a consumer group write a
 * file for each of their partitions, a query of its own writes one: of each partition the newest
 * file counts.
 */
export function readQuery(config: Pick<Config, "home">): QueryFile | null {
  const folder = homePaths(config).stream;
  const files = namesIn(folder).flatMap((name) => readState<QueryFile>(join(folder, name)) ?? []);
  return files.length < 2 ? files[0] ?? null : together(files);
}

/** Writes how far a query is; one of a group writes about its own partitions. */
export function writeQuery(
  config: Pick<Config, "home">,
  file: QueryFile,
  share: Share | null,
): void {
  const path = streamFiles(config).query;
  if (share === null) return writeState(path, file);
  for (const partition of share.partitions) {
    const only = (values: Record<string, number> = {}) =>
      partition in values ? { [partition]: values[partition]! } : {};
    writeState<QueryFile>(path.replace(/\.json$/, `-${partition}.json`), {
      ...file,
      committed: { [partition]: -1, ...only(file.committed) },
      highest: only(file.highest),
      seen: only(file.seen),
      online: { ends: only(file.online.ends), watermark: file.online.watermark },
    });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => NAME.test(name));
  } catch {
    return [];
  }
}

/** What several files say: about each partition, the one written last. */
function together(files: readonly QueryFile[]): QueryFile {
  const oldestFirst = files.toSorted((a, b) => (a.written ?? 0) - (b.written ?? 0));
  const newest = new Map<string, QueryFile>();
  for (const file of oldestFirst) {
    for (const partition of Object.keys(file.committed)) newest.set(partition, file);
  }
  const telling = [...new Set(newest.values())];
  const pick = (of: (file: QueryFile) => Record<string, number> | undefined) =>
    Object.fromEntries(
      [...newest].flatMap(([partition, file]) => {
        const value = of(file)?.[partition];
        return value === undefined ? [] : [[partition, value]];
      }),
    );
  const speaker = telling.find((f) => f.state === "running" && isAlive(f)) ??
    telling.find((f) => f.state === "failed") ?? oldestFirst.at(-1)!;
  const watermarks = telling.map((file) => file.online.watermark);
  return {
    ...speaker,
    committed: pick((file) => file.committed),
    highest: pick((file) => file.highest),
    seen: pick((file) => file.seen),
    watermark: greatest(files.map((file) => file.watermark)),
    newestEventTime: greatest(files.map((file) => file.newestEventTime)),
    online: {
      ends: pick((file) => file.online.ends),
      watermark: watermarks.includes(null) ? null : Math.min(...watermarks as number[]),
    },
  };
}

function greatest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}
