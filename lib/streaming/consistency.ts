import type { Config } from "clickstream/config";
import { execute, type Lakehouse, records, snapshot, tableAt } from "clickstream/lakehouse";
import {
  currentSql,
  dailySets,
  eventSets,
  expiredSql,
  inferenceTable,
  keptColumns,
  metricColumns,
  type MetricSet,
  timestampSql,
  valueColumns,
} from "clickstream/metrics";
import { lookUpSets, type OnlineStore } from "clickstream/online";
import { lastBatch } from "./daily.ts";
import { committedPositions } from "./event_tables.ts";
import { loadDocuments } from "./online_documents.ts";
import { type MaintenanceFile, readState, streamFiles } from "./state_file.ts";
import { attributesOrderSql } from "./product_attributes.ts";
import { type LivePositions, livePositions, upTo } from "./positions.ts";
import { attributeColumns, TABLES } from "./tables.ts";

/** How a feature table, or its container in the online store, compares with the events. */
export interface Consistency {
  table: string;
  /** Where the values were read: the `__inference` table, or the online store. */
  store: "gold" | "online";
  /** Keys whose values were compared. */
  compared: number;
  /** Keys whose values are not those of a recount, or are older than promised. */
  differing: number;
  /** Unexpired keys that are not there. */
  missing: number;
  /** Keys that are there and should not be: without events, or expired. */
  extra: number;
  /** Newest event time; null when it is empty. */
  newest: Date | null;
  /** Seconds of event time between that and the newest event of silver; null when either is empty. */
  behindSeconds: number | null;
}

/** What {@link checkConsistency} works on. */
export interface ConsistencyOptions {
  config: Config;
  lake: Lakehouse;
  store: OnlineStore;
  /** Called as each table's documents are read. */
  onDocuments?: (table: string, read: number) => void;
}

/** A check: what there must be, what there is, and how the two are told apart. */
interface Check {
  table: string;
  store: Consistency["store"];
  keys: readonly string[];
  /** Values that must be equal. */
  columns: readonly string[];
  /** Relation of the recount: keys, columns, `event_time`, `must` and `may` (be there), `sure` (compared). */
  expected: string;
  /** Relation of what is there: keys, columns, `event_time`. */
  actual: string;
  /** Further SQL condition under which a key counts as differing. */
  stale?: string;
}

/**
 * Counts the features anew from silver and compares them, key by key, with the `__inference` tables
 * and with the online store. May run beside a running query: each value is then compared as of
 * what its table, or the store, is known to have taken in.
 *
 * @throws {StreamError} when history was not published
 */
export async function checkConsistency(options: ConsistencyOptions): Promise<Consistency[]> {
  const { config, lake, store, onDocuments } = options;
  // Read in this order, each holds no more than the next one.
  const before = livePositions(config);
  const containers = new Map<string, string>();
  for (const { table } of lookUpSets) {
    const onRead = (read: number) => onDocuments?.(table, read);
    containers.set(table, await loadDocuments(lake, store, table, onRead));
  }
  const gold = new Map<string, Gold>();
  for (const { table } of lookUpSets) gold.set(table, await goldNow(lake, table));
  const silver = await tableAt(lake, TABLES.silver, {
    version: (await snapshot(lake, TABLES.silver)).version,
  });
  const [row] = await records(lake, `select max(event_time) as newest from ${silver}`);
  const live = { ...before, watermark: livePositions(config).watermark };
  const retainedFrom = readState<MaintenanceFile>(streamFiles(config).maintenance)?.retainedFrom ??
    -Infinity;
  const sources = { live, gold, containers, silver, retainedFrom };
  const checks = [
    ...eventSets.flatMap((set) => eventChecks(set, sources)),
    ...attributeChecks(sources),
    ...await dailyChecks(config, lake, sources),
  ];
  const results: Consistency[] = [];
  for (const check of checks) results.push(await run(lake, check, row!.newest as Date | null));
  for (const container of containers.values()) await execute(lake, `drop table ${container}`);
  return results;
}

/** Whether a comparison found nothing. */
export function isConsistent(results: readonly Consistency[]): boolean {
  return results.every(({ differing, missing, extra }) => differing + missing + extra === 0);
}

/** A gold table at a version, and what that version has taken in. */
interface Gold {
  relation: string;
  positions: ReadonlyMap<number, number>;
}

interface Sources {
  live: LivePositions;
  gold: ReadonlyMap<string, Gold>;
  /** Names of temporary tables with the documents, by table. */
  containers: ReadonlyMap<string, string>;
  silver: string;
  /** Keys with older events are not compared: retention may have deleted their rows. */
  retainedFrom: number;
}

async function goldNow(lake: Lakehouse, table: string): Promise<Gold> {
  const { version } = await snapshot(lake, table);
  return {
    relation: await tableAt(lake, table, { version }),
    positions: await committedPositions(lake, table, version),
  };
}

function eventChecks(set: MetricSet, sources: Sources): Check[] {
  const { live, gold, containers, silver, retainedFrom } = sources;
  const table = inferenceTable(set);
  const keys = set.keys;
  const columns = ["event_time", ...valueColumns(set)];
  const { relation, positions } = gold.get(table)!;
  const expired = (watermark: number) =>
    Number.isFinite(watermark)
      ? expiredSql(set, `make_timestamp(${Math.round(watermark)})`)
      : "false";
  const recount = currentSql(set, `(select * from ${silver} where ${upTo(positions)})`);
  const documents = containers.get(table)!;
  // A document is compared as of its own version; a key without one as of what must be online.
  const seen = `(select event.* from ${silver} as event
    left join ${documents} as document using (${keys.join(", ")})
    where event.partition is null or event.sequence_number <= document.version
      or (document.version is null and ${upTo(live.online.ends, "event.")}))`;
  const due = `select ${keys.join(", ")}, max(sequence_number) as __due from ${silver}
    where ${upTo(live.online.ends)} and partition is not null group by all`;
  const kept = keptColumns(set);
  const { sure, join } = retained(set, silver, retainedFrom);
  return [
    {
      table,
      store: "gold",
      keys,
      columns,
      expected: `(select *, ${sure} and not ${expired(live.watermark)} as must, true as may,
        ${sure} as sure from (${recount})${join})`,
      actual: relation,
    },
    {
      table,
      store: "online",
      keys,
      columns: columns.filter((name) => !kept.includes(name)),
      expected: `(select *, ${sure} and not ${expired(live.watermark)} as must,
        not ${sure} or not ${expired(live.online.watermark)} as may, ${sure} as sure
        from (${currentSql(set, seen)}) left join (${due}) using (${keys.join(", ")})${join})`,
      actual: live.running
        ? `(select d.* from ${documents} as d semi join (select ${keys.join(", ")},
            max(sequence_number) as newest from ${silver} group by all) as s
            on ${keys.map((k) => `d.${k} = s.${k}`).join(" and ")}
              and d.version <= coalesce(s.newest, -1))`
        : documents,
      stale: "actual.version < expected.__due",
    },
  ];
}

/** Keys with events from before the bound of retention may have lost their row and begun anew. */
function retained(set: MetricSet, silver: string, from: number): { sure: string; join: string } {
  if (!Number.isFinite(from)) return { sure: "true", join: "" };
  const keys = set.keys.join(", ");
  return {
    sure: "__unsure is null",
    join: ` left join (select distinct ${keys}, true as __unsure from ${silver}
      where event_time < make_timestamp(${from})) using (${keys})`,
  };
}

function attributeChecks({ live, gold, containers, silver }: Sources): Check[] {
  const table = TABLES.attributes;
  const { relation, positions } = gold.get(table)!;
  const columns = attributeColumns.map((column) => column.name);
  const newest = (ends: ReadonlyMap<number, number>) =>
    `(select ${columns.join(", ")}, true as must, true as may, true as sure from ${silver} where ${
      upTo(ends)
    }
      qualify row_number() over (partition by product_id order by ${attributesOrderSql}) = 1)`;
  const common = { table, keys: ["product_id"] };
  return [
    {
      ...common,
      store: "gold",
      columns: columns.slice(1),
      expected: newest(positions),
      actual: relation,
    },
    {
      ...common,
      store: "online",
      columns: [],
      expected: newest(live.online.ends),
      actual: live.running
        ? `(select * from ${containers.get(table)!} semi join ${silver} using (product_id))`
        : containers.get(table)!,
      stale: `actual.event_time < expected.event_time or (actual.event_time = expected.event_time
        and (${
        columns.slice(1).map((c) => `actual.${c} is distinct from expected.${c}`).join(" or ")
      }))`,
    },
  ];
}

async function dailyChecks(config: Config, lake: Lakehouse, sources: Sources): Promise<Check[]> {
  const last = lastBatch(config);
  const silver = await tableAt(lake, TABLES.silver, { version: last.silverVersion });
  const events = `(select * from ${silver} where event_time < ${timestampSql(last.midnight)})`;
  return dailySets.flatMap((set) => {
    const table = inferenceTable(set);
    const common = {
      table,
      keys: set.keys,
      columns: metricColumns,
      expected: `(select *, true as must, true as may, true as sure from (${
        currentSql(set, events)
      }))`,
    };
    return [
      { ...common, store: "gold" as const, actual: sources.gold.get(table)!.relation },
      { ...common, store: "online" as const, actual: sources.containers.get(table)! },
    ];
  });
}

async function run(lake: Lakehouse, check: Check, newestEvent: Date | null): Promise<Consistency> {
  const { table, store, keys, columns, expected, actual, stale } = check;
  const differs = [
    ...columns.map((c) => `expected.${c} is distinct from actual.${c}`),
    ...(stale === undefined ? [] : [`(${stale})`]),
  ];
  const here = `expected.sure and actual.${keys[0]} is not null and expected.may`;
  const [row] = await records(
    lake,
    `select count_if(${here}) as compared,
      count_if(${here} and (${differs.join(" or ")})) as differing,
      count_if(expected.must and actual.${keys[0]} is null) as missing,
      count_if(actual.${keys[0]} is not null and not coalesce(expected.may, false)) as extra,
      max(actual.event_time) as newest
    from ${expected} as expected
    full join ${actual} as actual on ${
      keys.map((key) => `expected.${key} = actual.${key}`).join(" and ")
    }`,
  );
  const newest = row!.newest as Date | null;
  return {
    table,
    store,
    compared: Number(row!.compared),
    differing: Number(row!.differing),
    missing: Number(row!.missing),
    extra: Number(row!.extra),
    newest,
    behindSeconds: newest === null || newestEvent === null
      ? null
      : Math.max(0, (newestEvent.getTime() - newest.getTime()) / 1000),
  };
}
