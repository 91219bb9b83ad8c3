import { countText, type DiagramEdge, type DiagramNode, type DiagramSpec } from "./diagram.ts";
import { FONT_FAMILY, loadFonts, textWidth, wrapText } from "./fonts.ts";
import { type Layered, layOutLayers, neighboursOf } from "./layers.ts";
import { escapeHtml } from "./table.ts";
import { colours, type Mode, type Shades, shades } from "./theme.ts";

/** A drawn diagram; sizes in CSS pixels. */
export interface DrawnDiagram {
  svg: string;
  width: number;
  height: number;
}

interface Box {
  x: number;
  /** Middle. */
  y: number;
  width: number;
  height: number;
}

const EDGE = 16;
const NODE_GAP = 20;
const LAYER_GAP = 34;
const LABEL_ROOM = 24;
const TITLE_SIZE = 16;
const LABEL_SIZE = 13;
const COUNT_SIZE = 16;
const SMALL_SIZE = 11;
const BEND: Box = { x: 0, y: 0, width: 0, height: 6 };

/** Draws a diagram as SVG: layers from left to right, counts in the boxes. */
export async function drawDiagram(spec: DiagramSpec, mode?: Mode): Promise<DrawnDiagram> {
  await loadFonts();
  const palette = shades(mode);
  const index = new Map(spec.nodes.map((node, i) => [node.id, i]));
  const edges = spec.edges.map(({ from, to }) => [index.get(from)!, index.get(to)!] as const);
  const layered = layOutLayers({ size: spec.nodes.length, edges });
  const boxes = placeBoxes(spec, layered);
  const right = Math.max(...boxes.map((box) => box.x + box.width), 0);
  const title = spec.title
    ? wrapText(spec.title, Math.max(right - EDGE, 400), TITLE_SIZE, { bold: true })
    : [];
  const down = title.length * TITLE_SIZE * 1.3 + (title.length ? 14 : 0);
  for (const box of boxes) box.y += down + EDGE;
  const titleWidth = Math.max(
    0,
    ...title.map((line) => textWidth(line, TITLE_SIZE, { bold: true })),
  );
  const width = Math.ceil(Math.max(right, titleWidth + EDGE) + EDGE);
  const height = Math.ceil(Math.max(...boxes.map((box) => box.y + box.height / 2), down) + EDGE);
  const heading = title.map((line, i) =>
    text(line, EDGE, EDGE + TITLE_SIZE * (0.9 + 1.3 * i), TITLE_SIZE, palette.text, "start", true)
  );
  const arrows = spec.edges.map((edge, i) => drawEdge(edge, layered.routes[i]!, boxes, palette));
  const nodes = spec.nodes.map((node, i) => drawNode(node, boxes[i]!, palette));
  const labels = spec.edges.map((edge, i) => drawLabel(edge, layered.routes[i]!, boxes, palette));
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" style="font-family: ${FONT_FAMILY};">` +
    `<rect width="100%" height="100%" fill="${palette.background}"/>` +
    [...heading, ...arrows, ...nodes, ...labels].join("") + "</svg>";
  return { svg, width, height };
}

function placeBoxes(spec: DiagramSpec, { layers, routes }: Layered): Box[] {
  const sizes = spec.nodes.map(sizeOf);
  const boxes: Box[] = [];
  let x = EDGE;
  layers.forEach((layer, at) => {
    const width = Math.max(0, ...layer.map((node) => sizes[node]?.width ?? 0));
    let y = 0;
    for (const node of layer) {
      const { height } = sizes[node] ?? BEND;
      boxes[node] = { x, y: y + height / 2, width, height };
      y += height + NODE_GAP;
    }
    x += width + gapAfter(spec, routes, layers[at + 1] ?? []);
  });
  align(layers, routes, boxes);
  const top = Math.min(...boxes.map((box) => box.y - box.height / 2));
  for (const box of boxes) box.y -= top;
  return boxes;
}

/** Room for the widest label of an edge into the next layer. */
function gapAfter(spec: DiagramSpec, routes: number[][], next: number[]): number {
  const into = new Set(next);
  const widths = spec.edges.map(({ label }, i) =>
    label && routes[i]!.slice(1, 2).some((node) => into.has(node))
      ? textWidth(label, SMALL_SIZE)
      : 0
  );
  const widest = Math.max(0, ...widths);
  return widest === 0 ? LAYER_GAP : Math.max(LAYER_GAP, widest + LABEL_ROOM);
}

/** Moves boxes towards their neighbours' middles, keeping order and gaps. */
function align(layers: number[][], routes: number[][], boxes: Box[]): void {
  const neighbours = neighboursOf(routes, boxes.length);
  for (let sweep = 0; sweep < 24; sweep++) {
    const ordered = sweep % 2 === 0 ? layers : [...layers].reverse();
    for (const layer of ordered) {
      const wanted = layer.map((node) => {
        const near = neighbours[node]!;
        return near.length === 0
          ? boxes[node]!.y
          : near.reduce((sum, other) => sum + boxes[other]!.y, 0) / near.length;
      });
      settle(layer.map((node) => boxes[node]!), wanted);
    }
  }
}

/** Places a column as near as it can be to where each box wants to be. */
function settle(column: Box[], wanted: number[]): void {
  column.forEach((box, i) => box.y = wanted[i]!);
  for (let round = 0; round < 40; round++) {
    for (let i = 1; i < column.length; i++) {
      const [above, below] = [column[i - 1]!, column[i]!];
      const least = (above.height + below.height) / 2 + NODE_GAP;
      const missing = least - (below.y - above.y);
      if (missing <= 0.01) continue;
      above.y -= missing / 2;
      below.y += missing / 2;
    }
  }
}

function sizeOf(node: DiagramNode): { width: number; height: number } {
  const widths = [
    textWidth(node.label, LABEL_SIZE, { bold: true }),
    textWidth(countText(node), COUNT_SIZE),
    textWidth(node.detail ?? "", SMALL_SIZE),
  ];
  const lines = 18 + (node.count === undefined ? 0 : 22) + (node.detail ? 16 : 0);
  return { width: Math.ceil(Math.max(...widths)) + 28, height: lines + 20 };
}

function drawNode(node: DiagramNode, box: Box, palette: Shades): string {
  const accent = node.thing ? colours[node.thing] : palette.line;
  const top = box.y - box.height / 2;
  const left = box.x + 16;
  let y = top + 23;
  const lines = [text(node.label, left, y, LABEL_SIZE, palette.text, "start", true)];
  if (node.count !== undefined) {
    y += 22;
    lines.push(text(countText(node), left, y, COUNT_SIZE, palette.text));
  }
  if (node.detail) lines.push(text(node.detail, left, y + 17, SMALL_SIZE, palette.muted));
  return `<rect x="${box.x}" y="${top}" width="${box.width}" height="${box.height}" rx="8" ` +
    `fill="${palette.panel}" stroke="${palette.line}" stroke-width="1"/>` +
    `<rect x="${box.x}" y="${top + 8}" width="5" height="${box.height - 16}" rx="2.5" ` +
    `fill="${accent}"/>` + lines.join("");
}

/** A smooth line through the bends, with an arrow head. */
function drawEdge(edge: DiagramEdge, route: number[], boxes: Box[], palette: Shades): string {
  if (route.length === 2 && route[0] === route[1]) return "";
  const points = pointsOf(route, boxes);
  const end = points.at(-1)!;
  const back = boxes[route[0]!]!.x > boxes[route.at(-1)!]!.x ? -1 : 1;
  const stop = { x: end.x - 6 * back, y: end.y };
  let d = `M${points[0]!.x},${points[0]!.y}`;
  points.slice(1).forEach((to, i) => {
    const from = points[i]!;
    const aim = to === end ? stop : to;
    const middle = (from.x + aim.x) / 2;
    d += ` C${middle},${from.y} ${middle},${aim.y} ${aim.x},${aim.y}`;
  });
  const dashes = edge.dashed ? ' stroke-dasharray="5 4"' : "";
  return `<path d="${d}" fill="none" stroke="${palette.muted}" stroke-width="1.5"${dashes}/>` +
    `<path d="M${end.x},${end.y} l${-8 * back},-4 v8 z" fill="${palette.muted}"/>`;
}

/** The edge's word in the middle of its first piece, on a patch of background. */
function drawLabel(edge: DiagramEdge, route: number[], boxes: Box[], palette: Shades): string {
  if (!edge.label) return "";
  const [from, to] = pointsOf(route, boxes);
  if (from === undefined || to === undefined) return "";
  const [x, y] = [(from.x + to.x) / 2, (from.y + to.y) / 2];
  const width = textWidth(edge.label, SMALL_SIZE) + 8;
  return `<rect x="${x - width / 2}" y="${y - 8}" width="${width}" height="16" rx="3" ` +
    `fill="${palette.background}"/>` +
    text(edge.label, x, y + 4, SMALL_SIZE, palette.muted, "middle");
}

function pointsOf(route: number[], boxes: Box[]): { x: number; y: number }[] {
  const [first, last] = [boxes[route[0]!]!, boxes[route.at(-1)!]!];
  const back = first.x > last.x;
  return [
    { x: back ? first.x : first.x + first.width, y: first.y },
    ...route.slice(1, -1).flatMap((bend) => {
      const { x, y, width } = boxes[bend]!;
      const ends = [{ x, y }, { x: x + width, y }];
      return back ? ends.reverse() : ends;
    }),
    { x: back ? last.x + last.width : last.x, y: last.y },
  ];
}

function text(
  content: string,
  x: number,
  y: number,
  size: number,
  fill: string,
  anchor: "start" | "middle" = "start",
  bold = false,
): string {
  return `<text x="${x}" y="${y}" font-size="${size}" fill="${fill}" text-anchor="${anchor}"` +
    `${bold ? ' font-weight="bold"' : ""}>${escapeHtml(content)}</text>`;
}
