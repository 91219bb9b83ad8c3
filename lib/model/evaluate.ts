import type pl from "nodejs-polars";
import { columnsOf, type ColumnTable, numbersOf } from "./columns.ts";
import { ModelError } from "./errors.ts";
import type { TrainedModel } from "./model.ts";
import { scoreFrame } from "./score.ts";
import { type BootstrappedScores, bootstrapScores, type Interval } from "./scores/bootstrap.ts";
import { type CalibrationBin, calibrationCurve } from "./scores/probability.ts";
import {
  type Decile,
  liftByDecile,
  precisionAtK,
  precisionRecallCurve,
  rocCurve,
} from "./scores/ranking.ts";
import { type Scores, scoreSummary } from "./scores/summary.ts";
import { cartGroups } from "./split.ts";
import { type Segment, usualSegments } from "./segments.ts";

/** Options of {@link evaluateModel}. */
export interface EvaluationOptions {
  /** @default the model's own label column */
  label?: string;
  /** Columns of the group that is resampled as a whole. @default user_id, user_session where present */
  cartKeys?: readonly string[];
  /** Bootstrap resamples; segments use a quarter of them. @default 1000 */
  resamples?: number;
  /** @default 1 */
  seed?: number;
  /** @default those of {@link usualSegments} whose columns the rows have */
  segments?: (table: ColumnTable) => Segment[];
}

/** A model's scores on rows it has not seen. */
export interface Evaluation {
  scores: Scores;
  /** 95 % intervals by resampling carts. */
  intervals: BootstrappedScores;
  carts: number | null;
  deciles: Decile[];
  precisionAt: { k: number; precision: number }[];
  calibration: CalibrationBin[];
  precisionRecall: { recall: number; precision: number; threshold: number }[];
  roc: { falsePositiveRate: number; truePositiveRate: number }[];
  segments: SegmentScores[];
}

/** Scores of one group of a segment. */
export interface SegmentScores {
  segment: string;
  group: string;
  rows: number;
  positives: number;
  averagePrecision: Interval;
  rocAuc: Interval;
  brier: Interval;
}

/**
 * Scores a model on a frame of labelled rows: with intervals, by segment, with curves for charts.
 *
 * @throws {ModelError} no rows, or a column is missing
 */
export async function evaluateModel(
  model: TrainedModel,
  frame: pl.DataFrame,
  options: EvaluationOptions = {},
): Promise<Evaluation> {
  const probabilities = await scoreFrame(model, frame);
  return await evaluateScores(frame, probabilities, {
    label: model.label,
    ...options,
    threshold: model.threshold,
  });
}

/** As {@link evaluateModel}, for probabilities from anywhere in the order of the frame's rows. */
export async function evaluateScores(
  frame: pl.DataFrame,
  probabilities: ArrayLike<number>,
  options: EvaluationOptions & { threshold: number },
): Promise<Evaluation> {
  if (frame.height === 0) throw new ModelError("There are no rows to evaluate on.");
  const { threshold, resamples = 1000, seed = 1 } = options;
  const labels = await numbersOf(frame, options.label ?? "label");
  const keys = options.cartKeys ?? ["user_id", "user_session"];
  const keyed = keys.length > 0 && keys.every((key) => frame.columns.includes(key));
  const carts = keyed ? await cartGroups(frame, keys) : null;
  const groups = carts?.group ?? null;
  const bootstrap = { groups, resamples, seed, threshold };
  const table = await columnsOf(frame);
  const segments = (options.segments ?? usualSegments)(table);
  return {
    scores: scoreSummary(labels, probabilities, threshold),
    intervals: bootstrapScores(labels, probabilities, bootstrap),
    carts: carts?.groups.length ?? null,
    deciles: liftByDecile(labels, probabilities),
    precisionAt: [50, 100, 500, 1000, 5000].filter((k) => k <= labels.length)
      .map((k) => ({ k, precision: precisionAtK(labels, probabilities, k) })),
    calibration: calibrationCurve(labels, probabilities, { bins: 20, strategy: "quantile" }),
    precisionRecall: precisionRecallCurve(labels, probabilities),
    roc: rocCurve(labels, probabilities),
    segments: segments.flatMap((segment) =>
      segmentScores(segment, labels, probabilities, {
        ...bootstrap,
        resamples: Math.ceil(resamples / 4),
      })
    ),
  };
}

function segmentScores(
  segment: Segment,
  labels: Float64Array,
  probabilities: ArrayLike<number>,
  bootstrap: { groups: Uint32Array | null; resamples: number; seed: number; threshold: number },
): SegmentScores[] {
  return segment.groups.flatMap((group, code) => {
    const rows: number[] = [];
    segment.codes.forEach((own, i) => own === code && rows.push(i));
    if (rows.length === 0) return [];
    const pick = (values: ArrayLike<number>) => Float64Array.from(rows, (row) => values[row]!);
    const own = pick(labels);
    const { averagePrecision, rocAuc, brier } = bootstrapScores(own, pick(probabilities), {
      ...bootstrap,
      groups: bootstrap.groups === null ? null : pick(bootstrap.groups),
    });
    const positives = own.reduce((sum, label) => sum + label, 0);
    return [{
      segment: segment.name,
      group,
      rows: rows.length,
      positives,
      ...{ averagePrecision, rocAuc, brier },
    }];
  });
}
