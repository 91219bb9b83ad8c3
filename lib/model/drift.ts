import type pl from "nodejs-polars";
import { type Column, columnsOf, type ColumnTable } from "./columns.ts";
import { ModelError } from "./errors.ts";
import type { TrainedModel } from "./model.ts";

/** Shares of one feature's values by bin: what drift is measured against. */
export type Profile =
  /** `edges` cut the numbers; the last share is of missing values. */
  | { kind: "numeric"; edges: number[]; shares: number[] }
  /** A share for each value, then for all others, then for missing ones. */
  | { kind: "text"; values: string[]; shares: number[] };

/** Profiles of the features by name. */
export type Profiles = Record<string, Profile>;

/** How far a feature's values have moved. */
export interface Drift {
  feature: string;
  /** Population stability index. */
  psi: number;
  /** `stable` below 0.1, `moved` below 0.25, `drifted` from there on. */
  verdict: "stable" | "moved" | "drifted";
  /** Share of missing values in training and now. */
  missing: { before: number; now: number };
}

/**
 * Profiles the features of training rows: ten bins of about equal rows for numbers, the twenty most
 * frequent values of texts. Times have none, as they always move.
 */
export async function profileFeatures(
  frame: pl.DataFrame,
  names: readonly string[],
): Promise<Profiles> {
  const table = await columnsOf(frame, [...names]);
  if (table.rows === 0) throw new ModelError("There are no rows to profile.");
  const profiles: Profiles = {};
  for (const [name, column] of table.columns) {
    if (column.kind !== "time") profiles[name] = profileOf(column);
  }
  return profiles;
}

/**
 * Compares rows seen now with the profiles of training: the population stability index of each feature,
 * the most moved first.
 *
 * @throws {ModelError} there are no rows, or a profiled column is missing
 */
export async function driftReport(profiles: Profiles, frame: pl.DataFrame): Promise<Drift[]> {
  const kinds = new Map<string, Column["kind"]>(
    Object.entries(profiles).map(([name, { kind }]) => [name, kind]),
  );
  const table: ColumnTable = await columnsOf(frame, Object.keys(profiles), kinds);
  if (table.rows === 0) throw new ModelError("There are no rows to compare with training.");
  const found = Object.entries(profiles).map(([feature, profile]): Drift => {
    const now = sharesOf(profile, table.columns.get(feature)!);
    const psi = stabilityIndex(profile.shares, now);
    return {
      feature,
      psi,
      verdict: psi < 0.1 ? "stable" : psi < 0.25 ? "moved" : "drifted",
      missing: { before: profile.shares.at(-1)!, now: now.at(-1)! },
    };
  });
  return found.sort((a, b) => b.psi - a.psi);
}

/** The model's features that can be profiled (all but times). */
export function profiledFeatures(model: TrainedModel): string[] {
  return (model.preprocessing?.columns ?? []).filter(({ kind }) => kind !== "time")
    .map(({ name }) => name);
}

/**
 * The population stability index of two lists of shares: the sum of (now - before) ln(now / before),
 * shares kept above 0.0001 so that an empty bin does not make it infinite.
 */
export function stabilityIndex(before: ArrayLike<number>, now: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < before.length; i++) {
    const [a, b] = [Math.max(1e-4, before[i]!), Math.max(1e-4, now[i]!)];
    sum += (b - a) * Math.log(b / a);
  }
  return sum;
}

function profileOf(column: Exclude<Column, { kind: "time" }>): Profile {
  const empty: Profile = column.kind === "numeric"
    ? { kind: "numeric", edges: edgesOf(column.values), shares: [] }
    : { kind: "text", values: topOf(column.codes, column.dictionary), shares: [] };
  return { ...empty, shares: sharesOf(empty, column) };
}

function edgesOf(values: Float64Array): number[] {
  const sorted = values.filter(Number.isFinite).sort();
  const cuts = Array.from(
    { length: 9 },
    (_, i) => sorted[Math.floor((i + 1) * sorted.length / 10)],
  );
  return [...new Set(cuts.filter((cut) => cut !== undefined))];
}

function topOf(codes: Int32Array, dictionary: string[]): string[] {
  const counts = new Float64Array(dictionary.length);
  for (const code of codes) if (code >= 0) counts[code]!++;
  return [...counts.keys()].sort((a, b) => counts[b]! - counts[a]!).slice(0, 20)
    .map((code) => dictionary[code]!);
}

function sharesOf(profile: Profile, column: Column): number[] {
  if (profile.kind === "numeric") {
    if (column.kind === "text") throw new ModelError("A numeric feature now holds text.");
    const counts = new Array<number>(profile.edges.length + 2).fill(0);
    for (const value of column.values) {
      const bin = Number.isFinite(value)
        ? profile.edges.filter((edge) => value >= edge).length
        : counts.length - 1;
      counts[bin]!++;
    }
    return counts.map((count) => count / column.values.length);
  }
  const counts = new Array<number>(profile.values.length + 2).fill(0);
  const rows = column.kind === "text" ? column.codes.length : column.values.length;
  if (column.kind !== "text") counts[counts.length - 1] = rows;
  else {
    const places = new Map(profile.values.map((value, i) => [value, i]));
    const bins = column.dictionary.map((value) => places.get(value) ?? profile.values.length);
    for (const code of column.codes) counts[code < 0 ? counts.length - 1 : bins[code]!]!++;
  }
  return counts.map((count) => count / rows);
}
