import { listTables } from "./create.ts";
import type { Lakehouse } from "./lake.ts";
import { latestSnapshot } from "./log.ts";
import { statsOf } from "./stats.ts";
import { foldersIn } from "./storage.ts";

/** What one table takes on disk. */
export interface DiskUse {
  /** `database.name` */
  table: string;
  /** Rows of the newest version; null when a file does not tell. */
  rows: number | null;
  /** Data files of the newest version. */
  files: number;
  /** Bytes of these. */
  liveBytes: number;
  /** Bytes of data files that only older versions, or none, need: what vacuum can free in time. */
  oldBytes: number;
  /** Bytes of the log and its checkpoints. */
  logBytes: number;
}

/**
 * What each table of some databases takes on disk, the largest first.
 *
 * @param databases those to look at @default all below the root
 */
export async function diskUse(lake: Lakehouse, databases?: readonly string[]): Promise<DiskUse[]> {
  const found: DiskUse[] = [];
  const all = databases ?? (await foldersIn(lake.storage, "")).filter((name) => /^\w+$/.test(name));
  for (const database of all) {
    for (const name of await listTables(lake, database)) {
      found.push(await tableUse(lake, `${database}.${name}`));
    }
  }
  const total = (use: DiskUse) => use.liveBytes + use.oldBytes + use.logBytes;
  return found.sort((a, b) => total(b) - total(a));
}

async function tableUse(lake: Lakehouse, table: string): Promise<DiskUse> {
  const { folder, files } = await latestSnapshot(lake, table);
  const stored = await lake.storage.list(folder, { recursive: true });
  const sum = (sizes: number[]) => sizes.reduce((all, size) => all + size, 0);
  const isLog = (path: string) => path.startsWith(`${folder}/_delta_log/`);
  const live = [...files.values()];
  const liveBytes = sum(live.map((file) => file.size));
  const counts = live.map((file) => statsOf(file).numRecords ?? null);
  const data = sum(stored.filter(({ path }) => !isLog(path)).map(({ size }) => size));
  return {
    table,
    rows: counts.includes(null) ? null : sum(counts as number[]),
    files: files.size,
    liveBytes,
    oldBytes: Math.max(0, data - liveBytes),
    logBytes: sum(stored.filter(({ path }) => isLog(path)).map(({ size }) => size)),
  };
}
