import {
  colours,
  colourway,
  currentMode,
  divergingScale,
  type Mode,
  sequentialScale,
  type Shades,
  shades,
} from "./theme.ts";

/** The template every chart starts from, in plotly's form. */
export function template(mode: Mode = currentMode()): Record<string, unknown> {
  return { layout: layoutDefaults(shades(mode)), data: traceDefaults(shades(mode)) };
}

function layoutDefaults({ background, text, muted, line, panel, grid }: Shades) {
  const axis = axisDefaults({ muted, line, grid });
  return {
    font: {
      family: "Inter, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif",
      size: 13,
      color: text,
    },
    paper_bgcolor: background,
    plot_bgcolor: background,
    colorway: [...colourway],
    colorscale: {
      sequential: sequentialScale,
      sequentialminus: reversed(sequentialScale),
      diverging: divergingScale,
    },
    separators: ".,",
    hoverlabel: { bgcolor: panel, bordercolor: line, font: { color: text } },
    hovermode: "closest",
    legend: { orientation: "h", x: 0, xanchor: "left", y: 1, yanchor: "bottom" },
    xaxis: { ...axis, showgrid: false, showline: true },
    yaxis: { ...axis, showline: false, ticks: "" },
    coloraxis: { colorbar: colourBar() },
    annotationdefaults: {
      font: { color: text, size: 12 },
      ...{ arrowcolor: muted, arrowhead: 0, arrowwidth: 1 },
    },
    shapedefaults: { line: { color: muted, width: 1 } },
    bargap: 0.25,
    bargroupgap: 0.08,
    uniformtext: { minsize: 9, mode: "hide" },
  };
}

function axisDefaults({ muted, line, grid }: Pick<Shades, "muted" | "line" | "grid">) {
  return {
    automargin: true,
    gridcolor: grid,
    linecolor: line,
    tickcolor: line,
    ticks: "outside",
    ticklen: 4,
    ticklabelstandoff: 3,
    separatethousands: true,
    exponentformat: "none",
    tickfont: { color: muted, size: 12 },
    title: { standoff: 10, font: { color: muted, size: 13 } },
    zeroline: false,
  };
}

function traceDefaults({ background, text, panel, grid, line }: Shades) {
  const map = { colorbar: colourBar(), colorscale: sequentialScale };
  const up = { marker: { color: colours.good } };
  const down = { marker: { color: colours.bad } };
  return {
    scatter: [{ line: { width: 2.25 }, marker: { size: 7 }, cliponaxis: false }],
    bar: [{ marker: { line: { width: 0 } }, textposition: "auto", cliponaxis: false }],
    histogram: [{ marker: { line: { width: 0.5, color: background } } }],
    heatmap: [map],
    histogram2d: [map],
    contour: [{ ...map, line: { width: 0.5 } }],
    sankey: [{
      node: { pad: 18, thickness: 16, line: { width: 0 } },
      link: { color: grid },
      textfont: { color: text },
    }],
    pie: [{
      ...{ hole: 0.55, showlegend: false, textinfo: "label+percent", textposition: "outside" },
      ...{ automargin: true, marker: { line: { color: background, width: 2 } } },
    }],
    funnel: [{ texttemplate: "%{value:,}", connector: { fillcolor: panel, line: { width: 0 } } }],
    waterfall: [{
      increasing: up,
      decreasing: down,
      connector: { line: { color: line, width: 1 } },
    }],
    indicator: [{
      delta: { increasing: { color: colours.good }, decreasing: { color: colours.bad } },
    }],
  };
}

function colourBar() {
  return { outlinewidth: 0, thickness: 12, separatethousands: true, title: { font: { size: 12 } } };
}

function reversed(scale: readonly (readonly [number, string])[]): [number, string][] {
  return scale.toReversed().map(([at, colour]) => [1 - at, colour]);
}
