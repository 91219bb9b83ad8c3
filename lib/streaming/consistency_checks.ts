import type { Config } from "clickstream/config";
import { type Lakehouse, tableAt } from "clickstream/lakehouse";
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
import type { Consistency } from "./consistency.ts";
import { lastBatch } from "./daily.ts";
import { attributesOrderSql } from "./product_attributes.ts";
import { type LivePositions, upTo } from "./positions.ts";
import { attributeColumns, TABLES } from "./tables.ts";

/** A check: what there must be, what there is, and how the two are told apart. */
export interface Check {
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

/** A gold table at a version, and what that version has taken in. */
export interface Gold {
  relation: string;
  positions: ReadonlyMap<number, number>;
}

/** What the checks read from. */
export interface Sources {
  live: LivePositions;
  gold: ReadonlyMap<string, Gold>;
  /** Names of temporary tables with the documents, by table. */
  containers: ReadonlyMap<string, string>;
  silver: string;
  /** Keys with older events are not compared: retention may have deleted their rows. */
  retainedFrom: number;
}

/** Every feature table, and its container in the online store, against a recount of silver. */
export async function consistencyChecks(
  config: Config,
  lake: Lakehouse,
  sources: Sources,
): Promise<Check[]> {
  return [
    ...eventSets.flatMap((set) => eventChecks(set, sources)),
    ...attributeChecks(sources),
    ...await dailyChecks(config, lake, sources),
  ];
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
  const newest = `select ${keys.join(", ")},
      max(sequence_number) filter (where ${upTo(live.online.ends)}) as __due,
      count(*) filter (where not ${upTo(live.online.ends)}) > 0 as __moved
    from ${silver} group by all`;
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
      // Of events after those that must be online, some may have expired their key or brought it back.
      expected: `(select *, ${sure} and not __moved and not ${expired(live.watermark)} as must,
        not ${sure} or __moved or not ${expired(live.online.watermark)} as may, ${sure} as sure
        from (${currentSql(set, seen)})
        left join (${newest}) using (${keys.join(", ")})${join})`,
      actual: documents,
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
  const values = columns.slice(1);
  const reached = upTo(live.online.ends);
  const newest = (events: string) =>
    `(select ${columns.join(", ")}, true as must, true as may, true as sure from ${silver}
      where ${events}
      qualify row_number() over (partition by product_id order by ${attributesOrderSql}) = 1)`;
  // Products of events after those that must be online may be there already.
  const online = `(from ${newest(reached)} union all by name
    select distinct product_id, false as must, true as may, true as sure from ${silver}
    where product_id not in (select product_id from ${silver} where ${reached}))`;
  const same = columns.map((c) => `document.${c} is not distinct from event.${c}`).join(" and ");
  const differs = values.map((c) => `actual.${c} is distinct from expected.${c}`).join(" or ");
  const common = { table, keys: ["product_id"] };
  return [
    {
      ...common,
      store: "gold",
      columns: values,
      expected: newest(upTo(positions)),
      actual: relation,
    },
    {
      ...common,
      store: "online",
      columns: [],
      expected: online,
      actual: `(select document.*, event.product_id is not null as __newer
        from ${containers.get(table)!} as document
        left join (select distinct ${columns.join(", ")} from ${silver} where not ${reached})
          as event on ${same})`,
      stale: `actual.event_time < expected.event_time or (not actual.__newer and (${differs}))`,
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
