import type { Config } from "clickstream/config";
import { type Lakehouse, records, tableAt } from "clickstream/lakehouse";
import {
  currentSql,
  dailySets,
  eventSets,
  expiredSql,
  inferenceTable,
  metricColumns,
  type MetricSet,
  timestampSql,
} from "clickstream/metrics";
import { countDocuments, type OnlineStore } from "clickstream/online";
import { lastBatch } from "./daily.ts";
import { countRequeued } from "./requeue.ts";
import { readQuery } from "./query_files.ts";
import { readState, type ReplayFile, streamFiles } from "./state_file.ts";
import { TABLES } from "./tables.ts";

/** One claim about the live half, and whether it holds. */
export interface Tie {
  name: string;
  ok: boolean;
  /** The numbers behind it. */
  detail: string;
}

/** The counts of the live half that must tie once the stream has ended (contracts.md). */
export async function countTies(
  options: { config: Config; lake: Lakehouse; store: OnlineStore },
): Promise<Tie[]> {
  const { config, lake, store } = options;
  const files = streamFiles(config);
  const replay = readState<ReplayFile>(files.replay);
  const [counts] = await records(
    lake,
    `select (select count(*) from ${TABLES.staged}) as staged,
      (select count(*) from ${TABLES.silver} where partition is null) as history,
      (select count(*) from ${TABLES.silver} where partition is not null) as silver,
      (select count(*) from ${TABLES.bronze}) as bronze,
      (select count(*) from ${TABLES.rejected}) as rejected,
      (select count(*) from (select distinct partition, sequence_number from ${TABLES.bronze})) as messages`,
  );
  const n = Object.fromEntries(Object.entries(counts!).map(([k, v]) => [k, Number(v)])) as Record<
    "staged" | "history" | "silver" | "bronze" | "rejected" | "messages",
    number
  >;
  const erased = replay?.erased ?? 0;
  const sent = (replay?.sent ?? 0) - erased;
  const requeued = await countRequeued(lake);
  const again = requeued === 0 ? "" : ` + ${requeued} requeued`;
  const ties = [
    tie("sent = bronze", sent + requeued === n.bronze, `${sent}${again} = ${n.bronze}`),
    tie("bronze holds each message once", n.messages === n.bronze, `${n.messages} = ${n.bronze}`),
    tie(
      "bronze = live silver + rejected",
      n.bronze === n.silver + n.rejected,
      `${n.bronze} = ${n.silver} + ${n.rejected}`,
    ),
    ...await onlineTies(lake, store, readQuery(config)?.watermark ?? null),
  ];
  if (replay === null || replay.sent !== replay.total) return ties;
  const all = n.staged === n.history + sent;
  return [
    tie("staged = historical silver + sent", all, `${n.staged} = ${n.history} + ${sent}`),
    ...ties,
  ];
}

/** A daily table, and how many of its rows differ from a recount. */
export interface DailyDifference {
  table: string;
  rows: number;
}

/** Recounts the daily tables from silver, as it was at the last batch, and counts differing rows. */
export async function dailyDifferences(
  lake: Lakehouse,
  config: Config,
): Promise<DailyDifference[]> {
  const last = lastBatch(config);
  const silver = await tableAt(lake, TABLES.silver, { version: last.silverVersion });
  const events = `(select * from ${silver} where event_time < ${timestampSql(last.midnight)})`;
  return await Promise.all(dailySets.map(async (set) => {
    const [row] = await records(lake, differencesSql(set, events));
    return { table: inferenceTable(set), rows: Number(row!.n) };
  }));
}

function differencesSql(set: MetricSet, events: string): string {
  const columns = metricColumns.map((c) => `recount.${c} is distinct from held.${c}`);
  return `select count(*) as n from (${currentSql(set, events)}) as recount
    full join ${inferenceTable(set)} as held using (${set.keys.join(", ")})
    where ${columns.join(" or ")}`;
}

async function onlineTies(
  lake: Lakehouse,
  store: OnlineStore,
  watermark: number | null,
): Promise<Tie[]> {
  return await Promise.all(eventSets.map(async (set) => {
    const table = inferenceTable(set);
    const expired = watermark === null
      ? "false"
      : expiredSql(set, `make_timestamp(${Math.round(watermark)})`);
    const [row] = await records(lake, `select count(*) as n from ${table} where not ${expired}`);
    const online = await countDocuments(store, table);
    return tie(
      `unexpired ${set.name} keys = online documents`,
      Number(row!.n) === online,
      `${row!.n} = ${online}`,
    );
  }));
}

function tie(name: string, ok: boolean, detail: string): Tie {
  return { name, ok, detail };
}
