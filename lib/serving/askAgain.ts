import type { DataFrame } from "nodejs-polars";
import type { RowToScore, ServingClient } from "./client.ts";

/** Which rows {@link askAgain} asks about. */
export interface AskAgainOptions {
  /** Names of the model's inputs: other columns are not sent. */
  inputs: readonly string[];
  /** Rows of a request. @default 1000 */
  batch?: number;
}

/**
 * Asks an endpoint about moments that have passed, each with the features of its own time: what it
 * would have answered then reaches the inference log, and its outcome is known already.
 *
 * @param rows what `trainingRowsSql` selects; their labels are not sent
 * @returns how many rows were asked about
 */
export async function askAgain(
  serving: ServingClient,
  endpoint: string,
  rows: DataFrame,
  { inputs, batch = 1000 }: AskAgainOptions,
): Promise<number> {
  const { default: pl } = await import("nodejs-polars");
  const names = new Set(["user_id", "user_session", "product_id", "event_time", ...inputs]);
  const asked = rows.select(...[...names].map((name) =>
    // Rows of numbers would lose digits of ids.
    name.endsWith("_id") ? pl.col(name).cast(pl.Utf8) : pl.col(name)
  ));
  for (let from = 0; from < asked.height; from += batch) {
    const part = asked.slice(from, batch).toRecords() as RowToScore[];
    await serving.score(endpoint, part.map(withoutGaps));
  }
  return asked.height;
}

/** JSON has no NaN; the model reads both as missing. */
function withoutGaps(row: RowToScore): RowToScore {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, Number.isNaN(value) ? null : value]),
  );
}
