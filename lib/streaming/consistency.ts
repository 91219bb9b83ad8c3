import { type Config, pause } from "clickstream/config";
import { execute, type Lakehouse, records, snapshot, tableAt } from "clickstream/lakehouse";
import { eventSets, inferenceTable } from "clickstream/metrics";
import { lookUpSets, type OnlineStore } from "clickstream/online";
import { type Check, consistencyChecks, type Gold } from "./consistency_checks.ts";
import { committedPositions } from "./event_tables.ts";
import { loadDocuments } from "./online_documents.ts";
import { livePositions } from "./positions.ts";
import { type MaintenanceFile, readState, streamFiles } from "./state_file.ts";
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

/** Milliseconds that a running query has to commit what its documents show. */
const COMMIT_PATIENCE = 60_000;

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
  const silver = await silverWith(options, containers);
  const [row] = await records(lake, `select max(event_time) as newest from ${silver}`);
  const live = { ...before, watermark: livePositions(config).watermark };
  const retainedFrom = readState<MaintenanceFile>(streamFiles(config).maintenance)?.retainedFrom ??
    -Infinity;
  const sources = { live, gold, containers, silver, retainedFrom };
  const results: Consistency[] = [];
  for (const check of await consistencyChecks(config, lake, sources)) {
    results.push(await run(lake, check, row!.newest as Date | null));
  }
  for (const container of containers.values()) await execute(lake, `drop table ${container}`);
  return results;
}

/**
 * Silver at a version that holds the events that the documents show: a running query writes those
 * first, and commits up to a second later.
 */
async function silverWith(
  { config, lake }: ConsistencyOptions,
  containers: ReadonlyMap<string, string>,
): Promise<string> {
  const deadline = performance.now() + COMMIT_PATIENCE;
  let [relation, seen] = ["", -1];
  while (true) {
    const { running } = livePositions(config);
    const { version } = await snapshot(lake, TABLES.silver);
    if (version > seen) {
      [relation, seen] = [await tableAt(lake, TABLES.silver, { version }), version];
      if (await documentsAhead(lake, containers, relation) === 0) return relation;
    }
    if (!running || performance.now() > deadline) return relation;
    await pause(100);
  }
}

/** Documents that show events which silver does not hold. */
async function documentsAhead(
  lake: Lakehouse,
  containers: ReadonlyMap<string, string>,
  silver: string,
): Promise<number> {
  const ahead = eventSets.map((set) => {
    const keys = set.keys.join(", ");
    return `(select count(*) from ${containers.get(inferenceTable(set))!} as document
      left join (select ${keys}, max(sequence_number) as newest from ${silver}
        where partition is not null group by all) using (${keys})
      where document.version > coalesce(newest, -1))`;
  });
  const columns = attributeColumns.map((column) => column.name);
  const same = columns.map((c) => `document.${c} is not distinct from event.${c}`).join(" and ");
  const products = `(select count(*) from ${containers.get(TABLES.attributes)!} as document
    anti join ${silver} as event on ${same})`;
  const [row] = await records(lake, `select ${[...ahead, products].join(" + ")} as n`);
  return Number(row!.n);
}

/** Whether a comparison found nothing. */
export function isConsistent(results: readonly Consistency[]): boolean {
  return results.every(({ differing, missing, extra }) => differing + missing + extra === 0);
}

async function goldNow(lake: Lakehouse, table: string): Promise<Gold> {
  const { version } = await snapshot(lake, table);
  return {
    relation: await tableAt(lake, table, { version }),
    positions: await committedPositions(lake, table, version),
  };
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
