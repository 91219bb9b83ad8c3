import type { Column, Lakehouse } from "clickstream/lakehouse";
import type { Action } from "./actions/action.ts";
import type { InferenceRecord } from "./inferenceLog.ts";

/** Name of the table in the database `clickstream`. */
export const INFERENCE_TABLE = "inference_log";

/** Columns of the inference log: a row for each row of a request. */
export const inferenceColumns: readonly Column[] = [
  column("request_id", "string", "of the request, as its answer carried it", false),
  column("request_row", "integer", "position of the row in its request, from 0", false),
  column("request_time", "timestamp", "time the row was scored for; null when none was known"),
  column("received_ts", "timestamp", "when the request came, by the wall clock", false),
  column("endpoint", "string", "serving endpoint; null for /invocations"),
  column("user_id", "long", "null when the row came with features alone"),
  column("user_session", "string", "session"),
  column("product_id", "long", "null when the row came with features alone"),
  column("features", "string", "JSON of the model's inputs by name"),
  column("feature_ages", "string", "JSON of seconds from a set's time to request_time, by set"),
  column("defaults", "string", "JSON array of the sets that had no value"),
  column("cached_ms", "double", "milliseconds that the features waited in the cache"),
  column("store_down", "boolean", "nothing could be looked up: the store failed or was too slow"),
  column("model_name", "string", "registered model", false),
  column("model_version", "long", "its version", false),
  column("score", "double", "P(purchase); null when already purchased"),
  column("already_purchased", "boolean", "bought in that cart before, so not scored"),
  column(
    "action",
    "string",
    "next best action, a discount with its share; null when none was asked for",
  ),
];

function column(name: string, type: Column["type"], comment: string, nullable = true): Column {
  return { name, type, comment, nullable };
}

/** Values of the table's columns for a batch of records. */
export function columnsOfRecords(records: InferenceRecord[]): Record<string, unknown[]> {
  const of = (value: (record: InferenceRecord) => unknown) => records.map(value);
  return {
    request_id: of((r) => r.requestId),
    request_row: of((r) => r.row),
    request_time: of((r) => r.scored.eventTime),
    received_ts: of((r) => r.received),
    endpoint: of((r) => r.endpoint || null),
    user_id: of((r) => r.scored.keys?.user_id ?? null),
    user_session: of((r) => r.scored.keys?.user_session ?? null),
    product_id: of((r) => r.scored.keys?.product_id ?? null),
    features: of((r) => jsonText(r.scored.inputs)),
    feature_ages: of((r) => jsonText(r.scored.ages)),
    defaults: of((r) => jsonText(r.scored.defaults)),
    cached_ms: of((r) => r.scored.cachedMs),
    store_down: of((r) => r.scored.failure !== null),
    model_name: of((r) => r.model.name),
    model_version: of((r) => BigInt(r.model.version)),
    score: of((r) => r.scored.score),
    already_purchased: of((r) => r.scored.alreadyPurchased),
    action: of((r) => actionText(r.scored.action)),
  };
}

/** `alternatives`, `complements`, `none`, or a discount with its share: `discount 0.1`. */
function actionText(action: Action | null): string | null {
  return action === null ? null : [action.kind, action.discount ?? []].flat().join(" ");
}

/** Ids become text. */
function jsonText(value: unknown): string {
  return JSON.stringify(value, (_key, inner) => typeof inner === "bigint" ? String(inner) : inner);
}

/** Appends batches to the Delta table {@link INFERENCE_TABLE}, which is created when absent. */
export function inferenceWriter(lake: Lakehouse): (records: InferenceRecord[]) => Promise<void> {
  return async (records) => {
    const { appendTo, createTable } = await import("clickstream/lakehouse");
    await createTable(lake, INFERENCE_TABLE, {
      columns: [...inferenceColumns],
      description: "every row that was scored, with the features used",
      ifNotExists: true,
    });
    await appendTo(lake, INFERENCE_TABLE, { columns: columnsOfRecords(records) });
  };
}
