import type { Calibration } from "./calibration.ts";
import type { Preprocessing } from "./features/preprocessing.ts";
import type { Network, NetworkParameters } from "./network/network.ts";
import type { Epoch } from "./network/train.ts";
import type { Scores } from "./scores/summary.ts";

/** A purchase-propensity model as plain data: all that scoring, storing and reporting need. */
export interface TrainedModel {
  format: 1;
  /** `network`, or `rate` when there were fewer than 50 positive training rows. */
  kind: "network" | "rate";
  label: string;
  /** Columns that name a row and are never read as features. */
  keys: string[];
  /** Raw columns that a row to score must carry, in order. */
  features: string[];
  seed: number;
  parameters: NetworkParameters;
  /** Null for kind `rate`. */
  preprocessing: Preprocessing | null;
  /** Null for kind `rate`. */
  network: Network | null;
  /** From the network's log odds to probabilities, fitted on validation rows. */
  calibration: Calibration;
  /** Share of positives by last event type. */
  rates: RateTable;
  /** Chosen on validation rows by the highest Matthews coefficient. */
  threshold: number;
  rows: RowCounts;
  epochs: Epoch[];
  scores: { validation: Scores | null; test: Scores | null };
  /** The same scores of simpler models on the same rows. */
  baselines: Record<string, { validation: Scores | null; test: Scores | null }>;
  backend: { name: string; version: string };
  trainedAt: string;
  trainSeconds: number;
  /** What a reader of the scores must know, in sentences. */
  notes: string[];
}

/** Share of positive rows by the value of one column, smoothed towards the overall share. */
export interface RateTable {
  column: string;
  rates: Record<string, number>;
  /** For a missing or unseen value. */
  overall: number;
}

/** How many rows and carts each part held. */
export interface RowCounts {
  train: PartCounts;
  validation: PartCounts;
  test: PartCounts;
}

/** Rows, positives and carts of one part. */
export interface PartCounts {
  rows: number;
  positives: number;
  /** Null where the rows carry no cart key. */
  carts: number | null;
}
