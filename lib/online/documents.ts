import { formatTime, parseTime } from "clickstream/events";
import {
  elapsedTimes,
  featureColumns,
  inferenceColumns,
  isTime,
  joinedName,
  keptColumns,
  type MetricSet,
  type StateValue,
} from "clickstream/metrics";

/** A document of the online store: absolute values, replaced whole. */
export type OnlineDocument = {
  /** The key's parts, URL-encoded and joined by `|`; also the partition key. */
  id: string;
  /** Written only over a document whose version is not greater. */
  version: number;
} & { [field: string]: string | number | null };

/** Id of the document of a key, from the key's parts in the set's order. */
export function documentId(parts: readonly (bigint | string)[]): string {
  return parts.map((part) => typeof part === "bigint" ? String(part) : encodePart(part)).join("|");
}

/** URL-encodes all but letters, digits, `-`, `_`, `.` and `~`, as DuckDB's url_encode does. */
function encodePart(part: string): string {
  return encodeURIComponent(part).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * DuckDB SQL that turns rows of a set's `__inference` table into its documents: ids as text, times
 * as ISO 8601, counts as plain numbers.
 */
export function documentsSql(set: MetricSet, rows: string): string {
  const id = set.keys.map((key) =>
    key === "user_session" ? "url_encode(user_session)" : `cast(${key} as varchar)`
  ).join(" || '|' || ");
  const kept = keptColumns(set);
  const columns = inferenceColumns(set).filter(({ name }) => !kept.includes(name));
  return `select ${id} as id, ${columns.map(documentColumn).join(", ")} from ${rows}`;
}

/** The fields that a document holds of a key's values: times as ISO 8601, kept columns left out. */
export function documentValues(
  set: MetricSet,
  values: Readonly<Record<string, StateValue>>,
): Record<string, StateValue> {
  const fields = { ...values };
  for (const name of keptColumns(set)) delete fields[name];
  for (const { name } of set.further.filter(isTime)) {
    const time = values[name] as number | null;
    fields[name] = time === null ? null : formatTime(time);
  }
  return fields;
}

function documentColumn(column: { name: string; type: string }): string {
  const { name, type } = column;
  if (type === "timestamp") return `${isoSql(name)} as ${name}`;
  if (name.endsWith("_id")) return `cast(${name} as varchar) as ${name}`;
  if (type === "long") return `cast(${name} as double) as ${name}`;
  return name;
}

/** DuckDB SQL of a timestamp as `YYYY-MM-DDTHH:MM:SS.ffffffZ`. */
export function isoSql(expression: string): string {
  return `strftime(${expression}, '%Y-%m-%dT%H:%M:%S.%fZ')`;
}

/** The document of a product's newest attributes, and the table it mirrors. */
export const PRODUCT_ATTRIBUTES_TABLE = "electronics_product_attributes";

/** DuckDB SQL that turns rows of electronics_product_attributes into documents. */
export function productDocumentsSql(rows: string): string {
  return `select cast(product_id as varchar) as id, cast(product_id as varchar) as product_id,
  cast(category_id as varchar) as category_id, category_code, brand, price,
  ${isoSql("event_time")} as event_time, cast(epoch_ms(event_time) as double) as version
from ${rows}`;
}

/**
 * The features of a document, prefixed with the set's name; all null without a document. Beside them
 * stand the set's times in microseconds since 1970 (`cart__event_time`, …), from which
 * `elapsedFeatures` of clickstream/metrics makes the seconds up to the moment of the request.
 */
export function featuresOf(
  set: MetricSet,
  document: OnlineDocument | undefined,
): Record<string, number | string | null> {
  const features: Record<string, number | string | null> = {};
  for (const name of featureColumns(set)) {
    features[joinedName(set, name)] = document?.[name] ?? null;
  }
  for (const name of elapsedTimes(set)) {
    const text = document?.[name];
    features[joinedName(set, name)] = typeof text === "string" ? Number(parseTime(text)) : null;
  }
  return features;
}
