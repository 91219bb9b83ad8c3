import { titleText } from "./complete.ts";
import type { Axis, Figure, Trace, Values } from "./figure.ts";
import { colourOf, colourway, DEFAULT_HEIGHT } from "./theme.ts";

interface Label {
  trace: Trace;
  x: number | string;
  y: number;
  colour: string;
  /** Mean of all its values, which orders lines that end together. */
  mean: number;
  /** Where the line ends, in pixels from the bottom of the plot. */
  height: number;
}

/** Least distance between two labels in pixels. */
const LINE = 16;
/** What title, legend and axis take of a chart's height, roughly. */
const SURROUNDINGS = 150;

/**
 * Names each line at its right end, in its colour, instead of in a legend; labels that would meet
 * move apart. Meant for lines that share one pair of axes; other kinds of traces may stand beside.
 */
export function labelEnds(figure: Figure): Figure {
  const layout = figure.layout ?? {};
  const labels = figure.data.flatMap((trace, index) => endOf(trace, index, layout.yaxis ?? {}));
  if (labels.length === 0) return figure;
  place(labels, figure, (layout.height ?? DEFAULT_HEIGHT) - SURROUNDINGS);
  const longest = Math.max(...labels.map(({ trace }) => (trace.name ?? "").length));
  const shifts = spread(labels);
  return {
    data: figure.data,
    layout: {
      ...layout,
      showlegend: false,
      margin: { r: 20 + longest * 8, ...layout.margin },
      annotations: [
        ...(layout.annotations ?? []),
        ...labels.map(({ trace, x, y, colour }, i) => ({
          ...(endsWithAxis(x, labels) ? atAxisEnd(trace) : { x, xref: trace.xaxis ?? "x" }),
          y,
          yref: trace.yaxis ?? "y",
          text: titleText(trace.name),
          font: { color: colour, size: 13, weight: 600 },
          showarrow: false,
          xanchor: "left",
          xshift: 8,
          yshift: shifts[i],
        })),
      ],
    },
  };
}

/** Whether a line goes as far right as any other. */
function endsWithAxis(x: number | string, labels: Label[]): boolean {
  return labels.every((other) => typeof other.x !== typeof x || other.x <= x);
}

/** There a label stands outside of the plot, which then need not grow for it. */
function atAxisEnd(trace: Trace) {
  return { x: 1, xref: `${trace.xaxis ?? "x"} domain` };
}

function endOf(trace: Trace, index: number, axis: Axis): Label[] {
  const isLine = trace.type === undefined || trace.type.startsWith("scatter");
  if (!isLine || trace.name === undefined || trace.showlegend === false || !trace.y) return [];
  const ys = Array.from(trace.y);
  const last = ys.findLastIndex((value) => typeof value === "number" || typeof value === "bigint");
  if (last < 0) return [];
  const y = onAxis(Number(ys[last]), axis);
  const own = trace.line?.color ?? trace.marker?.color;
  const colour = (typeof own === "string" ? own : undefined) ?? colourOf(trace.name) ??
    colourway[index % colourway.length]!;
  const known = ys.filter((value) => value !== null).map(Number);
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  return [{ trace, x: xAt(trace.x, last), y, colour, mean, height: 0 }];
}

function xAt(values: Values | undefined, index: number): number | string {
  const value = values?.[index];
  if (value instanceof Date) return value.toISOString();
  return typeof value === "bigint" ? Number(value) : value as number | string ?? index;
}

/** Annotations on a log axis are placed by the logarithm. */
function onAxis(value: number, axis: Axis): number {
  return axis.type === "log" ? Math.log10(value) : value;
}

/** Estimates where lines end on the screen, from the range of all values. */
function place(labels: Label[], figure: Figure, pixels: number): void {
  const axis = figure.layout?.yaxis ?? {};
  const all = labels.flatMap(({ trace }) => Array.from(trace.y ?? []))
    .filter((value) => typeof value === "number" || typeof value === "bigint")
    .map((value) => onAxis(Number(value), axis)).filter(Number.isFinite);
  if (axis.rangemode === "tozero") all.push(0);
  let [low, high] = [Infinity, -Infinity];
  for (const value of all) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const scale = high > low ? pixels / (high - low) : 0;
  for (const label of labels) label.height = (label.y - low) * scale;
}

/** How far each label moves up so that none is nearer than a line to the next. */
function spread(labels: Label[]): number[] {
  const order = labels.map((_, i) => i).sort((a, b) =>
    labels[a]!.height - labels[b]!.height || labels[a]!.mean - labels[b]!.mean
  );
  const heights = order.map((i) => labels[i]!.height);
  for (let round = 0; round < 50; round++) {
    for (let i = 1; i < heights.length; i++) {
      const missing = LINE - (heights[i]! - heights[i - 1]!);
      if (missing <= 0) continue;
      heights[i] = heights[i]! + missing / 2;
      heights[i - 1] = heights[i - 1]! - missing / 2;
    }
  }
  const shifts = new Array<number>(labels.length).fill(0);
  order.forEach((index, rank) => {
    shifts[index] = Math.round(heights[rank]! - labels[index]!.height);
  });
  return shifts;
}
