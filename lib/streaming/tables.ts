import { EVENT_COLUMNS } from "clickstream/events";
import {
  addColumns,
  type Column,
  createTable,
  type Lakehouse,
  snapshot,
} from "clickstream/lakehouse";
import { inferenceColumns, inferenceTable, metricSets } from "clickstream/metrics";
import { PRODUCT_ATTRIBUTES_TABLE } from "clickstream/online";
import { derivedProperties, featureProperties } from "./feature_tables.ts";
import { attributesOrderSql } from "./product_attributes.ts";

/** Names of the tables that the live half writes. */
export const TABLES = {
  staged: "staged_events",
  bronze: "electronics_events_bronze",
  silver: "electronics_events_silver",
  rejected: "electronics_events_rejected",
  attributes: PRODUCT_ATTRIBUTES_TABLE,
} as const;

const required = (name: string, type: Column["type"], comment: string): Column => ({
  name,
  type,
  nullable: false,
  comment,
});
const optional = (name: string, type: Column["type"], comment: string): Column => ({
  name,
  type,
  nullable: true,
  comment,
});

const eventColumns: Column[] = EVENT_COLUMNS.map((column) => ({
  name: column.name,
  type: column.type,
  nullable: !column.required,
  comment: column.description,
}));

const positionColumns = [
  required("partition", "integer", "partition of the hub"),
  required("sequence_number", "long", "position in the partition"),
];

/** Columns of staged_events. */
export const stagedColumns: Column[] = [
  ...eventColumns,
  required("data_set", "string", "historical or real-time"),
  required(
    "staged_row",
    "long",
    "place in the order of event_time; the replay sends in this order",
  ),
];

/** Columns of electronics_events_bronze. */
export const bronzeColumns: Column[] = [
  required("body", "string", "the message as received"),
  optional("body_encoding", "string", "base64 when the body is not UTF-8 text"),
  positionColumns[0]!,
  optional("offset", "string", "offset in the partition"),
  positionColumns[1]!,
  required("enqueued_ts", "timestamp", "when the hub took it"),
  optional("ingest_ts", "timestamp", "when the producer sent it"),
  required("current_ts", "timestamp", "when the row was made"),
];

/** Columns of electronics_events_silver. */
export const silverColumns: Column[] = [
  ...eventColumns,
  required("is_late", "boolean", "more than an hour behind its partition"),
  optional("partition", "integer", "partition of the hub; null for history"),
  optional("sequence_number", "long", "position in the partition; null for history"),
  required("ingest_ts", "timestamp", "when the producer sent it; 1970 for history"),
  required("current_ts", "timestamp", "when the row was made"),
];

/** Columns of electronics_events_rejected. */
export const rejectedColumns: Column[] = [
  positionColumns[0]!,
  optional("offset", "string", "offset in the partition"),
  positionColumns[1]!,
  required("enqueued_ts", "timestamp", "when the hub took it"),
  required("body", "string", "the message as received"),
  optional("body_encoding", "string", "base64 when the body is not UTF-8 text"),
  required("reason", "string", "malformed or invalid"),
  required("detail", "string", "what was expected and what was there"),
  required("current_ts", "timestamp", "when the row was made"),
  optional("requeued_ts", "timestamp", "when it was sent again, as a message of its own"),
];

/** Columns of electronics_product_attributes. */
export const attributeColumns: Column[] = [
  required("product_id", "long", "product"),
  optional("category_id", "long", "newest category"),
  optional("category_code", "string", "newest category, as a dotted path"),
  optional("brand", "string", "newest brand"),
  optional("price", "double", "newest price"),
  required("event_time", "timestamp", "time of the event they come from"),
];

/** A table of the live half. */
export interface LiveTable {
  name: string;
  columns: Column[];
  description: string;
  /** Table properties: those of feature tables register them. */
  properties?: Record<string, string>;
}

/** All tables of the live half, with their columns and what they hold. */
export const liveTables: readonly LiveTable[] = [
  { name: TABLES.bronze, columns: bronzeColumns, description: "every message, as received" },
  { name: TABLES.silver, columns: silverColumns, description: "every readable event" },
  { name: TABLES.rejected, columns: rejectedColumns, description: "messages that are no event" },
  {
    name: TABLES.attributes,
    columns: attributeColumns,
    description: "what is known of a product, from its newest event",
    properties: derivedProperties(
      ["product_id"],
      `newest event of ${TABLES.silver} by product_id, ordered by ${attributesOrderSql}`,
    ),
  },
  ...metricSets.map((set) => ({
    name: inferenceTable(set),
    columns: inferenceColumns(set) as Column[],
    description: `current metrics: ${set.description}`,
    properties: featureProperties(set, "inference"),
  })),
];

/** Creates the tables of the live half that do not exist yet, and columns that older ones lack. */
export async function createLiveTables(lake: Lakehouse): Promise<void> {
  for (const { name, ...table } of liveTables) {
    await createTable(lake, name, { ...table, ifNotExists: true });
    const { fields } = await snapshot(lake, name);
    const added = table.columns.filter((c) => c.nullable && !fields.some((f) => f.name === c.name));
    if (added.length > 0) await addColumns(lake, name, added);
  }
}
