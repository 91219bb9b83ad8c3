/** Values along an axis or in a property: numbers, ids, times, categories, gaps. */
export type Values = ArrayLike<number | bigint | string | Date | boolean | null>;

/** Kinds of traces that a PNG can be drawn of (scattergl as scatter). */
export const TRACE_TYPES = [
  ...["scatter", "scattergl", "bar", "histogram", "histogram2d", "heatmap", "contour"] as const,
  ...["box", "violin", "pie", "sankey", "funnel", "waterfall", "indicator", "treemap"] as const,
] as const;

/** See {@link TRACE_TYPES}. */
export type TraceType = typeof TRACE_TYPES[number];

/** Text with a font, as plotly writes it. */
export interface Font {
  family?: string;
  /** In pixels. */
  size?: number;
  color?: string;
  weight?: number | "normal" | "bold";
}

/** Line of a trace or shape. */
export interface Line {
  color?: string;
  /** In pixels. */
  width?: number;
  dash?: "solid" | "dot" | "dash" | "longdash" | "dashdot";
  shape?: "linear" | "hv" | "vh" | "hvh" | "spline";
  [property: string]: unknown;
}

/** One plotly trace. The fields named here are checked; plotly's others may be given as well. */
export interface Trace {
  /** @default "scatter" */
  type?: TraceType;
  x?: Values;
  y?: Values;
  z?: ArrayLike<Values>;
  name?: string;
  /** For scatter: "lines", "markers", "text" or several joined by "+". */
  mode?: string;
  orientation?: "h" | "v";
  text?: string | Values;
  marker?: { color?: string | Values; size?: number | Values; [property: string]: unknown };
  line?: Line;
  showlegend?: boolean;
  xaxis?: string;
  yaxis?: string;
  [property: string]: unknown;
}

/** A title: plain, or with a line in smaller type below it. */
export type Title = string | {
  text?: string;
  font?: Font;
  subtitle?: { text: string; font?: Font };
  [property: string]: unknown;
};

/** One axis of a {@link Layout}. */
export interface Axis {
  title?: Title;
  type?: "linear" | "log" | "date" | "category" | "multicategory";
  range?: readonly (number | string | Date | null)[];
  tickformat?: string;
  ticksuffix?: string;
  tickprefix?: string;
  domain?: readonly [number, number];
  anchor?: string;
  [property: string]: unknown;
}

/** Layout of a figure. The fields named here are checked; plotly's others may be given as well. */
export interface Layout {
  /** State the finding here, and what was measured in the subtitle. */
  title?: Title;
  xaxis?: Axis;
  yaxis?: Axis;
  /** In CSS pixels; a notebook's chart fills its cell when absent. */
  width?: number;
  /** In CSS pixels. @default 450 */
  height?: number;
  barmode?: "group" | "stack" | "overlay" | "relative";
  showlegend?: boolean;
  annotations?: Record<string, unknown>[];
  shapes?: Record<string, unknown>[];
  margin?: { l?: number; r?: number; t?: number; b?: number; pad?: number };
  [property: string]: unknown;
}

/** A chart as plotly describes it. */
export interface Figure {
  data: Trace[];
  layout?: Layout;
}
