import { type Lakehouse, listTables, snapshot } from "clickstream/lakehouse";
import { type MetricSet, timeColumn } from "clickstream/metrics";

/** A registered feature table. */
export interface FeatureTable {
  name: string;
  description: string;
  primaryKeys: string[];
  /** The column that says since when a value holds; null where a key has one row, its newest. */
  timestampKey: string | null;
  /** What the values are derived from: the definition of clickstream/metrics, as data. */
  definition: unknown;
}

const PRIMARY_KEYS = "clickstream.feature.primaryKeys";
const TIMESTAMP_KEY = "clickstream.feature.timestampKey";
const DEFINITION = "clickstream.feature.definition";

/**
 * The table properties that register a feature table: they lie in the table's own log, so that
 * whoever opens the table, with whatever program, finds its keys and where its values come from.
 */
export function featureProperties(set: MetricSet, kind: "training" | "inference") {
  return {
    [PRIMARY_KEYS]: set.keys.join(","),
    ...(kind === "training" ? { [TIMESTAMP_KEY]: timeColumn(set) } : {}),
    [DEFINITION]: JSON.stringify(set),
  };
}

/** The same for a table that follows from events by a query. */
export function derivedProperties(primaryKeys: readonly string[], query: string) {
  return { [PRIMARY_KEYS]: primaryKeys.join(","), [DEFINITION]: JSON.stringify({ query }) };
}

/** All feature tables of the database clickstream, by name. */
export async function featureTables(lake: Lakehouse): Promise<FeatureTable[]> {
  const found: FeatureTable[] = [];
  for (const name of await listTables(lake)) {
    const { properties, description } = await snapshot(lake, name);
    const keys = properties[PRIMARY_KEYS];
    if (keys === undefined) continue;
    found.push({
      name,
      description: description ?? "",
      primaryKeys: keys.split(","),
      timestampKey: properties[TIMESTAMP_KEY] ?? null,
      definition: JSON.parse(properties[DEFINITION] ?? "null"),
    });
  }
  return found;
}
