import type { Axis, Figure, Layout, Title, Trace, Values } from "./figure.ts";
import { textWidth, wrapText } from "./fonts.ts";
import { jsonSafe } from "./json_safe.ts";
import { template } from "./template.ts";
import { colourOf, currentMode, type Mode, shades } from "./theme.ts";

/** Size and theme a figure is completed for. */
export interface CompleteOptions {
  /** In CSS pixels; titles are wrapped to it. */
  width: number;
  /** In CSS pixels. */
  height: number;
  /** @default the theme in use */
  mode?: Mode;
}

/** Kinds that have labels or a colour bar instead of a place in the legend. */
const UNLISTED = new Set(["heatmap", "histogram2d", "contour", "pie", "sankey", "indicator"]);
const TITLE_SIZE = 17;
const SUBTITLE_SIZE = 13;
const LINE_HEIGHT = 1.3;
/** What plotly leaves between lines beyond {@link LINE_HEIGHT}. */
const LINE_GAP = 4;
const EDGE = 16;
const LEGEND_ROW = 19;
const LEGEND_GAP = 6;

/**
 * The figure with everything the house style adds: JSON-safe values, template, colours by name,
 * titles wrapped to the width (measured, so none is clipped), room for title and legend. What the
 * figure says itself always wins. Fonts must be loaded.
 */
export function completeFigure(figure: Figure, options: CompleteOptions): Figure {
  const mode = options.mode ?? currentMode();
  const { data, layout = {} } = jsonSafe(figure) as Figure;
  const coloured = data.map(withColour);
  const room = options.width - 2 * EDGE;
  const title = titleBlock(layout.title, room, mode);
  const rows = legendRows(coloured, layout, options.width);
  const legend = rows === 0 ? 0 : rows * LEGEND_ROW + LEGEND_GAP;
  const top = title.height + legend + (data.some(({ type }) => type === "indicator") ? 48 : 12);
  return {
    data: coloured,
    layout: {
      ...layout,
      ...completeAxes(coloured, layout),
      ...(hasValues(data) ? {} : emptyNote(layout, mode)),
      template: template(mode),
      height: options.height,
      margin: { l: 56, r: 28, b: 48, t: top, ...layout.margin },
      ...(title.title && { title: { y: 1 - title.top / options.height, ...title.title } }),
    },
  };
}

/** Whether there is anything to draw. */
function hasValues(data: Trace[]): boolean {
  return data.some((trace) => {
    const lists = [trace.x, trace.y, trace.z].filter((list) => list !== undefined);
    return lists.length === 0 ||
      lists.every((list) => Array.from(list as Values).some((v) => v !== null));
  });
}

/** Empty axes would look like a mistake: the chart says that nothing is there. */
function emptyNote(layout: Layout, mode: Mode): Partial<Layout> {
  const bare = { showticklabels: false, showgrid: false, ticks: "" };
  const titled = completeAxes([], layout);
  return {
    xaxis: { ...titled.xaxis, ...bare },
    yaxis: { ...titled.yaxis, ...bare },
    annotations: [{
      text: "no data yet",
      ...{ x: 0.5, y: 0.5, xref: "paper", yref: "paper", showarrow: false },
      font: { size: 15, color: shades(mode).muted },
    }],
  };
}

/** Text of a title in either form. */
export function titleText(title: Title | undefined): string {
  return typeof title === "string" ? title : title?.text ?? "";
}

/** A title as an object, whatever its form. */
function asObject(title: Title | undefined): Exclude<Title, string> {
  return typeof title === "string" ? { text: title } : title ?? {};
}

function titleBlock(given: Title | undefined, room: number, mode: Mode) {
  const text = titleText(given);
  if (text === "") return { title: undefined, top: 0, height: 12 };
  const { subtitle, ...rest } = asObject(given);
  const lines = wrapHtml(text, room, TITLE_SIZE, true);
  const below = subtitle ? wrapHtml(subtitle.text, room, SUBTITLE_SIZE, false) : [];
  const height = EDGE + lines.length * TITLE_SIZE * LINE_HEIGHT +
    below.length * SUBTITLE_SIZE * LINE_HEIGHT;
  const title = {
    ...{ x: 0, xref: "container", xanchor: "left", yref: "container", yanchor: "top" },
    pad: { l: EDGE },
    ...rest,
    text: lines.join("<br>"),
    font: { size: TITLE_SIZE, weight: 600, color: shades(mode).text, ...rest.font },
    ...(subtitle && {
      subtitle: {
        text: below.join("<br>"),
        font: { size: SUBTITLE_SIZE, color: shades(mode).muted, weight: 400, ...subtitle.font },
      },
    }),
  };
  const extra = LINE_GAP * (lines.length + below.length - 1);
  // plotly centres the lines of a title on the place where a single line would stand.
  const top = EDGE + ((lines.length - 1) * TITLE_SIZE * LINE_HEIGHT) / 2;
  return { title, top, height: height + extra };
}

/** Lines that the author broke stay broken; tags do not count as width. */
function wrapHtml(text: string, room: number, size: number, bold: boolean): string[] {
  return text.split(/<br\s*\/?>/i).flatMap((line) =>
    /<[a-z/]/i.test(line) ? [line] : wrapText(line, room, size, { bold })
  );
}

/** Axis titles as objects, as plotly wants them, and ticks of log axes that do not collide. */
function completeAxes(data: Trace[], layout: Layout): Partial<Layout> {
  const axes = Object.entries(layout).filter(([key]) => /^[xy]axis\d*$/.test(key));
  return Object.fromEntries(
    axes.map(([key, value]) => {
      const axis = value as Axis;
      const title = typeof axis.title === "string" ? { text: axis.title } : axis.title;
      const dtick = axis.type === "log" && axis.dtick === undefined
        ? logTick(key, data)
        : undefined;
      return [key, { ...axis, ...(title && { title }), ...(dtick && { dtick }) }];
    }),
  );
}

/** Powers of ten, and 2 and 5 of each where there are few powers. */
function logTick(key: string, data: Trace[]): number | "D2" {
  const letter = key.startsWith("x") ? "x" : "y";
  const name = key.replace("axis", "");
  let [low, high] = [Infinity, 0];
  for (const trace of data) {
    if ((trace[`${letter}axis`] ?? letter) !== name) continue;
    for (const value of Array.from(trace[letter] ?? [])) {
      if (typeof value !== "number" || value <= 0) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return high / low > 1000 ? 1 : "D2";
}

/** Gives a trace the colour of the thing it is named after, unless it has one. */
function withColour(trace: Trace): Trace {
  const colour = trace.name === undefined ? undefined : colourOf(trace.name);
  if (colour === undefined || trace.type === "pie" || trace.type === "sankey") return trace;
  const isLine = trace.type === undefined || trace.type.startsWith("scatter");
  return {
    ...trace,
    marker: { color: trace.line?.color ?? colour, ...trace.marker },
    ...(isLine && { line: { color: markerColour(trace) ?? colour, ...trace.line } }),
  };
}

function markerColour(trace: Trace): string | undefined {
  return typeof trace.marker?.color === "string" ? trace.marker.color : undefined;
}

/** Rows that the legend above the plot will take, as plotly shows one. */
function legendRows(data: Trace[], layout: Layout, width: number): number {
  const own = layout.legend as { orientation?: string; y?: number } | undefined;
  if (own?.orientation === "v" || own?.y !== undefined || layout.showlegend === false) return 0;
  const listed = data.filter((trace) =>
    trace.showlegend !== false && !UNLISTED.has(trace.type ?? "scatter")
  );
  if (listed.length < 2 && layout.showlegend !== true) return 0;
  const wanted = listed.map((trace) => 50 + textWidth(trace.name ?? "trace 0", 13));
  const columns = Math.max(1, Math.floor((width - 90) / Math.max(...wanted, 1)));
  return wanted.reduce((sum, item) => sum + item, 0) < width - 90
    ? 1
    : Math.ceil(listed.length / columns);
}
