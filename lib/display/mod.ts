/** Charts, tables, progress and diagrams for notebooks, and their words outside of them. */
export { chart, type ChartOptions } from "./chart.ts";
export { DisplayError } from "./errors.ts";
export type {
  Axis,
  Figure,
  Font,
  Layout,
  Line,
  Title,
  Trace,
  TraceType,
  Values,
} from "./figure.ts";
export {
  type Format,
  formatBytes,
  formatDuration,
  formatNumber,
  formatTime,
  formatValue,
} from "./format.ts";
export { InterruptedError } from "./interrupt.ts";
export { jsonSafe } from "./json_safe.ts";
export { inKernel, show } from "./kernel.ts";
export { markdown } from "./markdown.ts";
export { type PngOptions, renderPng, renderSvg } from "./png.ts";
export { type Progress, progress, type ProgressOptions } from "./progress.ts";
export { type Tabular } from "./rows.ts";
export { escapeHtml, table, type TableOptions } from "./table.ts";
export { colourOf, colours, colourway, type Mode, type Thing, useTheme } from "./theme.ts";
export {
  diagram,
  type DiagramEdge,
  type DiagramNode,
  type DiagramOptions,
  type DiagramSpec,
  renderDiagram,
} from "./diagram.ts";
export { labelEnds } from "./label_ends.ts";
export { type Live, liveChart, liveDiagram, type LiveOptions } from "./live.ts";
export { type PipelineCounts, pipelineDiagram } from "./pipeline.ts";
