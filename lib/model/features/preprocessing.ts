/**
 * How raw columns become a network's inputs, as plain data: fitted on training rows, stored with the
 * model as JSON, and read by one code path for whole tables and for single rows at serving.
 */
export interface Preprocessing {
  format: 1;
  /** Raw columns in the order of the training table. */
  columns: RawColumn[];
  features: Feature[];
  /** Columns that carry nothing, with the reason. */
  dropped: { name: string; reason: string }[];
  /** Number of dense inputs; one-hot inputs follow them. */
  denseWidth: number;
  /** Dense and one-hot inputs together. */
  width: number;
}

/** A column that the model reads. */
export interface RawColumn {
  name: string;
  kind: "numeric" | "text" | "time";
}

/** One rule from a raw column to inputs. */
export type Feature = NumericFeature | RelativeFeature | CyclicFeature | CategoryFeature;

/** How a number is squeezed before it is standardised. */
export type Squeeze = "none" | "log1p" | "signedLog";

/** Standardising: (squeeze(value) - mean) / scale, kept within ±8. */
export interface Standard {
  squeeze: Squeeze;
  mean: number;
  scale: number;
}

/** A number: one standardised input, and one that says it is missing where that tells something. */
export interface NumericFeature extends Standard {
  kind: "numeric";
  column: string;
  /** Where the standardised value goes; missing becomes 0. */
  input: number;
  /** Where 1 goes when the value is missing; null when another column is missing in the same rows. */
  missingInput: number | null;
  /** Edges of the piecewise linear inputs, rising; empty for none. */
  edges: number[];
  /** Where the first piecewise input goes. */
  edgesInput: number;
}

/** A number against the usual of its category: log(value) - median log of training rows. */
export interface RelativeFeature {
  kind: "relative";
  column: string;
  by: string;
  centres: Record<string, number>;
  /** For a missing or unseen category. */
  fallback: number;
  scale: number;
  input: number;
}

/** A time as hour of day and day of week on circles (UTC): sine and cosine of each. */
export interface CyclicFeature {
  kind: "cyclic";
  column: string;
  /** Where the first of the four inputs goes. */
  input: number;
}

/**
 * A text as one-hot: a slot for missing, a slot for each frequent value of training rows, then hash
 * slots that rarer and unseen values share.
 */
export interface CategoryFeature {
  kind: "category";
  column: string;
  values: string[];
  hashSlots: number;
  /** First one-hot slot, counted from the first one-hot input. */
  slot: number;
}

/** Options of fitting. */
export interface PreprocessingOptions {
  /** Values of a text column with a slot of their own. @default 48 */
  maxCategories?: number;
  /** Slots that rarer and unseen values share. @default 8 */
  hashSlots?: number;
  /** Rows a value needs for its own slot. @default 50 */
  minCategoryRows?: number;
  /** Piecewise linear inputs a numeric column; 0 for none. @default 0 */
  pieces?: number;
}

/** Inputs of many rows: dense values row by row, and for each category the slot that is 1. */
export interface Encoded {
  rows: number;
  denseWidth: number;
  width: number;
  dense: Float32Array;
  /** Categories a row. */
  slotsPerRow: number;
  slots: Uint16Array;
}

/** Squeezes a number: see {@link Squeeze}. */
export function squeezed(squeeze: Squeeze, value: number): number {
  if (squeeze === "none") return value;
  if (squeeze === "log1p") return value > 0 ? Math.log1p(value) : value;
  return Math.sign(value) * Math.log1p(Math.abs(value));
}
