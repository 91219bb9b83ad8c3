import { Buffer } from "node:buffer";
import { boundFigure } from "./bounds.ts";
import { completeFigure } from "./complete.ts";
import { describeFigure } from "./describe.ts";
import type { Figure } from "./figure.ts";
import { jsonSafe } from "./json_safe.ts";
import { type Bundle, inKernel, PLOTLY_MIME, showFigure, type ShowOptions } from "./kernel.ts";
import { renderPng } from "./png.ts";
import { DEFAULT_HEIGHT, DEFAULT_WIDTH, type Mode } from "./theme.ts";

/** How {@link chart} shows a figure. */
export interface ChartOptions {
  /** The chart in words, for those who cannot see it. @default made from title and traces */
  alt?: string;
  /** In CSS pixels. @default the layout's width; else 840 in the PNG, the cell's width live */
  width?: number;
  /** In CSS pixels. @default the layout's height, else 450 */
  height?: number;
  /** Light or dark. @default the theme in use */
  mode?: Mode;
}

/**
 * Shows a plotly figure in the house style. In a Jupyter kernel the output holds the live chart,
 * a PNG for everywhere else, and the chart in words; outside, the words go to stdout.
 *
 * @throws {DisplayError} the figure holds what JSON cannot, too much, or what cannot be drawn
 *
 * @example
 * ```ts
 * import { chart } from "clickstream/display";
 * await chart({
 *   data: [{ type: "bar", x: ["view", "cart", "purchase"], y: [793_748, 54_035, 37_346] }],
 *   layout: { title: "One view in fifteen becomes a cart", yaxis: { title: "events" } },
 * });
 * ```
 */
export async function chart(figure: Figure, options: ChartOptions = {}): Promise<void> {
  const { bundle, metadata } = await chartBundle(figure, options);
  await showFigure(bundle, { metadata });
}

/** The bundle that {@link chart} shows; outside a kernel only its words. */
export async function chartBundle(
  given: Figure,
  options: ChartOptions = {},
): Promise<{ bundle: Bundle; metadata: NonNullable<ShowOptions["metadata"]> }> {
  const safe = jsonSafe(given) as Figure;
  const figure = boundFigure(safe);
  const words = describeFigure(safe, options.alt);
  if (!inKernel()) return { bundle: { "text/plain": words }, metadata: {} };
  const width = options.width ?? figure.layout?.width ?? DEFAULT_WIDTH;
  const height = options.height ?? figure.layout?.height ?? DEFAULT_HEIGHT;
  const size = { ...options, width, height };
  const png = await renderPng(figure, size);
  const { data, layout } = completeFigure(figure, size);
  const fixed = options.width ?? figure.layout?.width;
  const bundle = {
    [PLOTLY_MIME]: {
      data,
      layout: { ...layout, ...(fixed === undefined ? { autosize: true } : { width: fixed }) },
      config: { displaylogo: false },
    },
    "image/png": Buffer.from(png).toString("base64"),
    "text/plain": words,
  };
  // No height: JupyterLab's plotly extension puts a picture of another shape in its place.
  return { bundle, metadata: { "image/png": { width, alt: words } } };
}
