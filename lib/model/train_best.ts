import type { PreprocessingOptions } from "./features/preprocessing.ts";
import type { TrainedModel } from "./model.ts";
import type { NetworkParameters } from "./network/network.ts";
import type { SplitFrames } from "./parts.ts";
import { trainPropensity } from "./train.ts";
import type { TrainingOptions } from "./training_options.ts";

/** Networks whose log odds are averaged in the end. */
const MEMBERS = 3;

/** Training rows on which candidates are compared. */
const CANDIDATE_ROWS = 60_000;

/** Numbers as ten straight pieces each, more texts with a slot of their own: for tables unlike ours. */
const FINE: PreprocessingOptions = {
  pieces: 10,
  maxCategories: 200,
  minCategoryRows: 20,
  hashSlots: 16,
};

/** A way to train that was tried. */
export interface Candidate {
  name: string;
  parameters: Partial<NetworkParameters>;
  preprocessing: PreprocessingOptions;
  /** On all validation rows. */
  averagePrecision: number;
}

/** Options of {@link trainBest}. */
export interface BestOptions extends TrainingOptions {
  /** Parameters that all candidates share, whatever tuning found. @default none */
  parameters?: Partial<NetworkParameters>;
  /** Called after every candidate. */
  onCandidate?: (candidate: Candidate) => void;
}

/**
 * Tries the default and the tuned parameters, finer inputs, and a model without hidden layers on at
 * most 60,000 training rows; takes what orders the validation rows best; and trains three networks
 * of different seeds that way on all rows, whose log odds are averaged.
 *
 * @param tuned parameters that tuning found
 * @throws {ModelError} as {@link trainPropensity}
 */
export async function trainBest(
  frames: SplitFrames,
  tuned: Partial<NetworkParameters> | undefined,
  options: BestOptions = {},
): Promise<TrainedModel> {
  const { test: _, ...learnt } = frames;
  const tried: Candidate[] = [];
  const attempt = async (
    name: string,
    parameters: Partial<NetworkParameters>,
    preprocessing: PreprocessingOptions = {},
  ) => {
    const { onEpoch: __, ...quiet } = options;
    const model = await trainPropensity(learnt, {
      ...{ ...quiet, preprocessing, baselines: false },
      parameters: { ...parameters, ...options.parameters },
      maxTrainRows: CANDIDATE_ROWS,
    });
    const averagePrecision = model.scores.validation?.averagePrecision ?? 0;
    const candidate = { name, parameters, preprocessing, averagePrecision };
    tried.push(candidate);
    options.onCandidate?.(candidate);
    return model.kind;
  };
  if (await attempt("default parameters", {}) === "rate") {
    return await trainPropensity(frames, options);
  }
  if (tuned !== undefined) await attempt("tuned parameters", tuned);
  const { parameters } = bestOf(tried);
  await attempt("finer inputs", parameters, FINE);
  await attempt("no hidden layers", { layers: 0, dropout: 0, learningRate: 3e-3 }, FINE);
  const best = bestOf(tried);
  const model = await trainPropensity(frames, {
    ...options,
    parameters: { ...best.parameters, members: MEMBERS, ...options.parameters },
    preprocessing: best.preprocessing,
  });
  return { ...model, notes: [...model.notes, noteOf(best, tried)] };
}

function bestOf(tried: Candidate[]): Candidate {
  return tried.reduce((a, b) => b.averagePrecision > a.averagePrecision ? b : a);
}

function noteOf(best: Candidate, tried: Candidate[]): string {
  const scores = tried.map(({ name, averagePrecision }) =>
    `${name} ${averagePrecision.toFixed(4)}`
  );
  return `Of ${tried.length} ways to train, "${best.name}" did best on validation rows ` +
    `(average precision: ${scores.join(", ")}).`;
}
