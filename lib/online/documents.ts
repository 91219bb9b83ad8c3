import type { MetricSet } from "clickstream/metrics";
import { inferenceColumns, metricColumns } from "clickstream/metrics";

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
  return `select ${id} as id, ${inferenceColumns(set).map(documentColumn).join(", ")} from ${rows}`;
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

/** The features of a document, prefixed with the set's name; all null without a document. */
export function featuresOf(
  set: MetricSet,
  document: OnlineDocument | undefined,
): Record<string, number | string | null> {
  const names = [...metricColumns, ...set.latest.map((latest) => latest.name)];
  return Object.fromEntries(
    names.map((name) => [`${set.name}__${name}`, document?.[name] ?? null]),
  );
}
