import type { DataFrame } from "nodejs-polars";
import type { Lakehouse } from "clickstream/lakehouse";
import { scoreFrame, splitByCart, type TrainedModel } from "clickstream/model";
import { type Customers, type Moments, momentsWithCustomers } from "./moments.ts";

/** Moments and the synthetic customers behind them. */
export interface KnownCustomers {
  moments: Moments;
  customers: Customers;
}

/** {@link KnownCustomers} of carts to hold a trial with, to choose thresholds on, and to judge by. */
export interface KnownParts {
  train: KnownCustomers;
  validation: KnownCustomers;
  test: KnownCustomers;
}

/**
 * Scores labelled rows and looks up their customers, in the parts the model was made with.
 *
 * @param rows what `trainingRowsSql` selects
 * @param options.truth parquet file of the synthetic shop's ground truth; null: not known
 * @param options.seed of the split that the model was trained with
 * @returns null when the truth is not known, or not that of these rows
 */
export async function knownParts(
  lake: Lakehouse,
  model: TrainedModel,
  rows: DataFrame,
  options: { truth: string | null; seed: number },
): Promise<KnownParts | null> {
  const { truth, seed } = options;
  if (truth === null || rows.height === 0) return null;
  const { train, validation, test } = await splitByCart(rows, { seed });
  const of = async (part: DataFrame) =>
    await momentsWithCustomers(lake, part, await scoreFrame(model, part), truth);
  const parts = { train: await of(train), validation: await of(validation), test: await of(test) };
  const found = Object.values(parts).reduce((sum, { moments }) => sum + moments.count, 0);
  return found === rows.height ? parts : null;
}
