import type pl from "nodejs-polars";
import { numbersOf } from "./columns.ts";
import { ModelError } from "./errors.ts";
import type { TrainedModel } from "./model.ts";
import { archiveOlder, loadModel, setAlias } from "./registry/registry.ts";
import { scoreFrame } from "./score.ts";
import { bootstrapDifference, type BootstrappedScores } from "./scores/bootstrap.ts";
import { cartGroups } from "./split.ts";

/** When a candidate may take production's place. */
export interface GateOptions {
  /** The lower bound of the average precision's difference must be above this. @default -0.005 */
  least?: number;
  /** The upper bound of the Brier score's difference must be below this. @default 0.001 */
  mostBrier?: number;
  /** @default 1000 */
  resamples?: number;
  /** @default 1 */
  seed?: number;
  /** @default user_id, user_session where the rows have them */
  cartKeys?: readonly string[];
}

/** What the comparison found. */
export interface GateResult {
  promoted: boolean;
  /** Why, in a sentence. */
  reason: string;
  /** Candidate - production, on the same rows, resampled together. */
  difference: BootstrappedScores;
  rows: number;
}

/**
 * Compares a candidate with the model in production on the same later rows, which neither has seen.
 * The candidate passes when the 95 % interval of the paired difference rules out that it is worse by
 * more than is allowed.
 *
 * @throws {ModelError} no rows, or rows of one class
 */
export async function compareModels(
  candidate: TrainedModel,
  production: TrainedModel,
  rows: pl.DataFrame,
  options: GateOptions = {},
): Promise<GateResult> {
  const { least = -0.005, mostBrier = 0.001, resamples = 1000, seed = 1 } = options;
  if (rows.height === 0) throw new ModelError("There are no later rows to compare models on.");
  const labels = await numbersOf(rows, candidate.label);
  if (new Set(labels).size < 2) {
    throw new ModelError(`The ${rows.height} later rows hold one class only; wait for more.`);
  }
  const keys = options.cartKeys ?? ["user_id", "user_session"];
  const keyed = keys.every((key) => rows.columns.includes(key));
  const difference = bootstrapDifference(
    labels,
    await scoreFrame(candidate, rows),
    await scoreFrame(production, rows),
    { groups: keyed ? (await cartGroups(rows, keys)).group : null, resamples, seed },
  );
  const { averagePrecision: ap, brier } = difference;
  const shown = `average precision differs by ${ap.value.toFixed(4)} ` +
    `(95 % ${ap.low.toFixed(4)} to ${ap.high.toFixed(4)}), Brier by ${brier.value.toFixed(5)} ` +
    `(${brier.low.toFixed(5)} to ${brier.high.toFixed(5)})`;
  const promoted = ap.low > least && brier.high < mostBrier;
  const reason = promoted
    ? `The candidate is promoted: ${shown}.`
    : `The candidate is not promoted: ${shown}; it may be worse by more than is allowed ` +
      `(${least} and ${mostBrier}).`;
  return { promoted, reason, difference, rows: rows.height };
}

/**
 * Compares a registered version with production and, only if it passes, points `production` at it and
 * archives older versions. Without a model in production the candidate is promoted at once.
 */
export async function promoteIfBetter(
  registry: string,
  name: string,
  version: number,
  rows: pl.DataFrame,
  options: GateOptions = {},
): Promise<Omit<GateResult, "difference"> & { difference: BootstrappedScores | null }> {
  const candidate = await loadModel(registry, name, version);
  const production = await loadModel(registry, name, "production").catch((error) => {
    if ((error as Error).message.includes("no version or alias production")) return null;
    throw error;
  });
  const result = production === null
    ? {
      promoted: true,
      reason: "The candidate is promoted: no model was in production.",
      difference: null,
      rows: rows.height,
    }
    : await compareModels(candidate, production, rows, options);
  if (result.promoted) {
    await setAlias(registry, name, "production", version);
    await archiveOlder(registry, name, version);
  }
  return result;
}
