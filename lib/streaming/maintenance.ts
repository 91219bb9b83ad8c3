import type { Config } from "clickstream/config";
import {
  deleteFrom,
  type Lakehouse,
  optimize,
  records,
  snapshot,
  vacuum,
} from "clickstream/lakehouse";
import { eventSets, expiredSql, inferenceTable, type MetricSet } from "clickstream/metrics";
import { type OnlineStore, setTimeToLive } from "clickstream/online";
import { livePositions } from "./positions.ts";
import { type MaintenanceFile, readState, streamFiles, writeState } from "./state_file.ts";
import { liveTables } from "./tables.ts";

/** What {@link maintainTables} works on. */
export interface MaintenanceOptions {
  config: Config;
  lake: Lakehouse;
  store: OnlineStore;
  /**
   * Whether the online store drops cart documents by itself some time after they were written. It
   * goes by the clock on the wall: right for a live shop, wrong for a replay.
   * @default as it is
   */
  onlineTimeToLive?: "on" | "off";
  /** Called as each table begins. */
  onTable?: (table: string) => void;
}

/** What maintenance did to a table. */
export interface MaintainedTable {
  table: string;
  /** Rows whose retention was over. */
  rowsDeleted: number;
  /** Data files that the table consists of, before and after. */
  filesBefore: number;
  filesAfter: number;
  /** Files of old versions that were removed. */
  vacuumed: number;
}

const DAY_MICROS = 86_400_000_000;
const HOUR_SECONDS = 3600;

/**
 * Keeps the live tables small: deletes gold rows of keys that expired and had no event for
 * `config.retentionDays` of event time, puts small files together, and removes files of versions
 * older than the tables keep. May run beside a running query.
 */
export async function maintainTables(options: MaintenanceOptions): Promise<MaintainedTable[]> {
  const { config, lake, store, onlineTimeToLive, onTable } = options;
  if (onlineTimeToLive !== undefined) await switchTimeToLive(store, onlineTimeToLive === "on");
  const bounds = new Map(retentionBounds(config).map(({ set, ...b }) => [inferenceTable(set), b]));
  const results: MaintainedTable[] = [];
  for (const { name } of liveTables) {
    onTable?.(name);
    const filesBefore = (await snapshot(lake, name)).files.size;
    const condition = bounds.get(name)?.condition;
    const rowsDeleted = condition === undefined ? 0 : await deleteRows(lake, name, condition);
    await optimize(lake, name);
    const vacuumed = (await vacuum(lake, name)).length;
    const filesAfter = (await snapshot(lake, name)).files.size;
    results.push({ table: name, rowsDeleted, filesBefore, filesAfter, vacuumed });
  }
  return results;
}

/** What retention deletes of the event sets, and notes durably that it may have done so. */
function retentionBounds(config: Config): { set: MetricSet; condition: string }[] {
  const { watermark } = livePositions(config);
  if (!Number.isFinite(watermark)) return [];
  const bound = Math.round(watermark - config.retentionDays * DAY_MICROS);
  const { maintenance } = streamFiles(config);
  const before = readState<MaintenanceFile>(maintenance)?.retainedFrom ?? -Infinity;
  // Before the first row goes: a key that returns later is counted anew, and this says which may.
  writeState<MaintenanceFile>(maintenance, { retainedFrom: Math.max(before, bound) });
  const at = (micros: number) => `make_timestamp(${Math.round(micros)})`;
  return eventSets.map((set) => ({
    set,
    condition: `event_time < ${at(bound)} and ${expiredSql(set, at(watermark))}`,
  }));
}

async function deleteRows(lake: Lakehouse, table: string, condition: string): Promise<number> {
  const [row] = await records(lake, `select count(*) as n from ${table} where ${condition}`);
  if (Number(row!.n) > 0) await deleteFrom(lake, table, condition);
  return Number(row!.n);
}

/** A document lives a day longer than the longest time its key can still be served. */
async function switchTimeToLive(store: OnlineStore, on: boolean): Promise<void> {
  for (const set of eventSets) {
    const { afterPurchaseHours, withoutPurchaseHours } = set.expiry!;
    const hours = Math.max(afterPurchaseHours, withoutPurchaseHours) + 24;
    await setTimeToLive(store, inferenceTable(set), on ? hours * HOUR_SECONDS : null);
  }
}
