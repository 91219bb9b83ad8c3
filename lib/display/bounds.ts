import { DisplayError } from "./errors.ts";
import type { Figure, Trace, Values } from "./figure.ts";
import { formatNumber } from "./format.ts";

/** Points that a line or cloud keeps; more cannot be told apart in a picture. */
export const MOST_POINTS = 4000;
/** Values that a figure may hold in all: notebooks with larger outputs become slow. */
export const MOST_VALUES = 200_000;

/**
 * The figure with long lines and clouds thinned to {@link MOST_POINTS}: of every stretch of a line
 * its first, lowest, highest and last point stay, so that peaks remain; of a cloud every n-th.
 *
 * @throws {DisplayError} a figure that is still too large: it is to be summed up before drawing
 */
export function boundFigure(figure: Figure): Figure {
  const data = figure.data.map((trace) => isScatter(trace) ? thin(trace) : trace);
  const count = data.reduce((sum, trace) => sum + valuesOf(trace), 0);
  if (count > MOST_VALUES) {
    throw new DisplayError(
      `The chart holds ${formatNumber(count)} values, more than the ${
        formatNumber(MOST_VALUES)
      } a notebook shows well: group or sample them before drawing.`,
    );
  }
  return { ...figure, data };
}

function isScatter(trace: Trace): boolean {
  return trace.type === undefined || trace.type.startsWith("scatter");
}

function valuesOf(trace: Trace): number {
  const rows = Array.from(trace.z ?? []);
  return (trace.x?.length ?? 0) + (trace.y?.length ?? 0) +
    rows.reduce((sum, row) => sum + row.length, 0);
}

function thin(trace: Trace): Trace {
  const size = trace.y?.length ?? 0;
  if (size <= MOST_POINTS || trace.y === undefined) return trace;
  const kept = (trace.mode ?? "lines").includes("lines")
    ? keepPeaks(trace.y)
    : Array.from({ length: MOST_POINTS }, (_, i) => Math.floor((i * size) / MOST_POINTS));
  return pick({ x: Array.from({ length: size }, (_, i) => i), ...trace }, size, kept);
}

function keepPeaks(values: Values): number[] {
  const kept: number[] = [];
  const step = (values.length * 4) / MOST_POINTS;
  for (let start = 0; start < values.length; start += step) {
    const [from, to] = [Math.ceil(start), Math.min(values.length, Math.ceil(start + step))];
    let [low, high] = [from, from];
    for (let i = from; i < to; i++) {
      if (Number(values[i]) < Number(values[low])) low = i;
      if (Number(values[i]) > Number(values[high])) high = i;
    }
    kept.push(...new Set([from, Math.min(low, high), Math.max(low, high), to - 1]));
  }
  return kept;
}

/** Takes the same places of every list of a trace that has one entry a point. */
function pick(trace: Trace, size: number, kept: number[]): Trace {
  const take = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.length === size ? kept.map((i) => value[i]) : value;
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, take(inner)]));
  };
  return take(trace) as Trace;
}
