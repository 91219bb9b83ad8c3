import type pl from "nodejs-polars";
import { type Drift, driftReport, profiledFeatures, profileFeatures } from "./drift.ts";
import { ModelError } from "./errors.ts";
import { type GateOptions, type GateResult, promoteIfBetter } from "./gate.ts";
import { loadModel, registerModel } from "./registry/registry.ts";
import type { LoadedModel } from "./registry/version.ts";
import { splitByCart, splitByTime } from "./split.ts";
import { trainPropensity } from "./train.ts";
import type { Epoch } from "./network/train.ts";

/** What to train on, and what to compare on. */
export interface RetrainOptions extends GateOptions {
  /** Name of the registered model. */
  name: string;
  /** The candidate learns from carts that ended before this; those that began after it are compared on. */
  boundary: Date;
  /** Version of the silver table that the rows came from. */
  silverVersion: number;
  /** Columns that are not features. @default category_id */
  drop?: string[];
  /** Called after every pass over the training rows. */
  onEpoch?: (epoch: Epoch) => void;
}

/** What retraining did. */
export interface Retraining {
  /** The registered candidate. */
  version: number;
  result: Omit<GateResult, "difference">;
  /** How far the later rows' features are from those that production learnt from; most moved first. */
  drift: Drift[];
}

/**
 * Trains a candidate with production's parameters on everything before the boundary, registers it, and
 * points `production` at it only if the later rows, which neither model has seen, allow it. Carts that
 * straddle the boundary are in neither part.
 *
 * @param rows labelled rows of all events so far
 * @throws {ModelError} production has seen rows after the boundary, or a part holds too little
 */
export async function retrain(
  registry: string,
  rows: pl.DataFrame,
  options: RetrainOptions,
): Promise<Retraining> {
  const { name, boundary, drop = ["category_id"] } = options;
  const production = await loadModel(registry, name, "production");
  refuseSeen(production, boundary);
  const { earlier, later } = await splitByTime(rows, { boundary });
  if (earlier.height === 0 || later.height === 0) {
    throw new ModelError(
      `Before ${boundary.toISOString()} there are ${earlier.height} rows and after it ` +
        `${later.height}: both are needed.`,
    );
  }
  const drift = await driftOf(production, earlier, later);
  const parts = await splitByCart(earlier, { seed: production.seed });
  const candidate = await trainPropensity(parts, {
    ...{ seed: production.seed, drop, parameters: production.parameters },
    ...(options.onEpoch ? { onEpoch: options.onEpoch } : {}),
  });
  const version = await registerModel(registry, candidate, {
    name,
    description: "Retrained candidate",
    trainingTable: { name: "electronics_events_silver", version: options.silverVersion },
    tags: { cutoff: boundary.toISOString(), seed: String(production.seed) },
  });
  const { difference: _, ...result } = await promoteIfBetter(
    registry,
    name,
    version,
    later,
    options,
  );
  return { version, result, drift };
}

/** A model that has learnt from the later rows would win for having seen the answers. */
function refuseSeen({ registered: { version, tags } }: LoadedModel, boundary: Date): void {
  const cutoff = tags.cutoff === undefined ? null : new Date(tags.cutoff);
  if (cutoff === null || cutoff.getTime() <= boundary.getTime()) return;
  throw new ModelError(
    `Version ${version} in production has learnt from events up to ${cutoff.toISOString()}; compare ` +
      `on later ones than ${boundary.toISOString()}.`,
  );
}

async function driftOf(
  production: LoadedModel,
  earlier: pl.DataFrame,
  later: pl.DataFrame,
): Promise<Drift[]> {
  const features = profiledFeatures(production);
  if (features.length === 0) return [];
  const cutoff = production.registered.tags.cutoff;
  const learnt = cutoff === undefined
    ? earlier
    : (await splitByTime(earlier, { boundary: new Date(cutoff) })).earlier;
  return await driftReport(await profileFeatures(learnt, features), later);
}
