import {
  counters,
  type Further,
  type KeyColumn,
  type MetricSet,
  ratios,
  timeColumn,
} from "./definition.ts";

/** A column of a metric table. The type names are Delta's. */
export interface MetricColumn {
  name: string;
  type: "long" | "double" | "string" | "timestamp";
  nullable: boolean;
  comment: string;
}

const KEY_COLUMNS: Record<KeyColumn, MetricColumn> = {
  user_id: { name: "user_id", type: "long", nullable: false, comment: "user" },
  user_session: { name: "user_session", type: "string", nullable: false, comment: "session" },
  product_id: { name: "product_id", type: "long", nullable: false, comment: "product" },
};

/** Columns of the set's `__training` table. */
export function trainingColumns(set: MetricSet): MetricColumn[] {
  const time = set.grain === "event"
    ? "events up to and including this time are counted"
    : "the midnight up to which events are counted";
  return [...keyColumns(set), required(timeColumn(set), "timestamp", time), ...valueColumns(set)];
}

/** Columns of the set's `__inference` table: the current values, a row per key. */
export function inferenceColumns(set: MetricSet): MetricColumn[] {
  const streamed = set.grain === "event";
  return [
    ...keyColumns(set),
    required("event_time", "timestamp", "the values hold as of this time"),
    ...valueColumns(set),
    ...keptColumns(set),
    ...(streamed
      ? [required("ingest_ts", "timestamp", "when the newest event was sent; 1970 for history")]
      : []),
    required("current_ts", "timestamp", "when the row was written"),
    required(
      "version",
      "long",
      streamed
        ? "sequence number of the newest event; -1 for history"
        : "the midnight of the batch, in milliseconds",
    ),
  ];
}

function keyColumns(set: MetricSet): MetricColumn[] {
  return set.keys.map((key) => KEY_COLUMNS[key]);
}

function valueColumns(set: MetricSet): MetricColumn[] {
  return [
    ...counters.map((c) => required(c.name, "long", c.description)),
    ...ratios.map((r): MetricColumn => ({
      name: r.name,
      type: "double",
      nullable: true,
      comment: `${r.numerator} / ${r.denominator}; null without ${r.denominator}`,
    })),
    ...set.further.map(furtherColumn),
  ];
}

const FURTHER_TYPES = {
  first_time: "timestamp",
  previous_time: "timestamp",
  latest: "string",
  distinct: "long",
  total: "double",
} as const;

function furtherColumn({ name, kind, description }: Further): MetricColumn {
  return {
    name,
    type: FURTHER_TYPES[kind],
    nullable: kind === "previous_time",
    comment: description,
  };
}

/** Columns that only current rows have. */
function keptColumns(set: MetricSet): MetricColumn[] {
  return set.further.flatMap((further) =>
    further.kind === "distinct"
      ? [required(
        further.keptAs,
        "string",
        `which they are: the ${further.of} values behind ${further.name}, as a sorted JSON array`,
      )]
      : []
  );
}

function required(name: string, type: MetricColumn["type"], comment: string): MetricColumn {
  return { name, type, nullable: false, comment };
}
