import { completeFigure } from "./complete.ts";
import { DisplayError } from "./errors.ts";
import { type Figure, TRACE_TYPES } from "./figure.ts";
import { FONT_FAMILY, fontFiles } from "./fonts.ts";
import { loadPlotly } from "./plotly.ts";
import { DEFAULT_HEIGHT, DEFAULT_WIDTH, type Mode } from "./theme.ts";

/** How a picture is drawn. */
export interface PngOptions {
  /** In CSS pixels. @default the layout's width, else 840 */
  width?: number;
  /** In CSS pixels. @default the layout's height, else 450 */
  height?: number;
  /** Image pixels for a CSS pixel. @default 2 */
  scale?: number;
  /** Light or dark. @default the theme set with `useTheme` */
  mode?: Mode;
}

/**
 * Draws a figure as PNG without a browser: plotly.js in a DOM stand-in makes SVG, resvg pixels.
 * The first call loads both (about a second); later ones take tens of milliseconds.
 *
 * @throws {DisplayError} a trace needs a browser, or plotly.js cannot draw the figure
 */
export async function renderPng(figure: Figure, options: PngOptions = {}): Promise<Uint8Array> {
  const svg = await renderSvg(figure, options);
  return svgToPng(svg, options.scale);
}

/** Draws a figure as an SVG document; see {@link renderPng}. */
export async function renderSvg(figure: Figure, options: PngOptions = {}): Promise<string> {
  const width = options.width ?? figure.layout?.width ?? DEFAULT_WIDTH;
  const height = options.height ?? figure.layout?.height ?? DEFAULT_HEIGHT;
  checkTypes(figure);
  const draw = await loadPlotly();
  const complete = completeFigure(figure, { ...options, width, height });
  try {
    return await draw(asSvgTraces(complete), width, height);
  } catch (error) {
    const kinds = [...new Set(figure.data.map((trace) => trace.type ?? "scatter"))].join(", ");
    throw new DisplayError(
      `The chart (${kinds}) cannot be drawn: ${error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  }
}

/**
 * Turns an SVG document into PNG bytes; `scale` is image pixels for a CSS pixel. It runs on this
 * thread: after resvg's own asynchronous call Deno 2.8 no longer waits for pending timers.
 */
export async function svgToPng(svg: string, scale = 2): Promise<Uint8Array> {
  const { Resvg } = await import("@resvg/resvg-js");
  const image = new Resvg(withBundledFont(svg), {
    fitTo: { mode: "zoom", value: scale },
    font: { fontFiles: fontFiles(), loadSystemFonts: false, defaultFontFamily: FONT_FAMILY },
  });
  return image.render().asPng();
}

/** Others need WebGL or maps, which only a browser has; plotly.js would wait for them for ever. */
function checkTypes({ data }: Figure): void {
  for (const { type } of data) {
    if (type === undefined || TRACE_TYPES.includes(type)) continue;
    throw new DisplayError(
      `A chart of type "${type}" cannot be drawn without a browser: use one of ${
        TRACE_TYPES.join(", ")
      }.`,
    );
  }
}

/** Only the bundled font is loaded, on every machine alike; monospace stays monospace. */
function withBundledFont(svg: string): string {
  return svg.replaceAll(
    /font-family:\s*([^;"]*)/g,
    (_, family: string) =>
      `font-family: '${FONT_FAMILY}${/mono|courier/i.test(family) ? " Mono" : ""}'`,
  );
}

/** WebGL traces have SVG twins. */
function asSvgTraces(figure: Figure): Figure {
  const data = figure.data.map((trace) =>
    trace.type === "scattergl" ? { ...trace, type: "scatter" as const } : trace
  );
  return { ...figure, data };
}
