import { type Box, IDENTITY, type Matrix, multiply, parseTransform, transformBox } from "./box.ts";
import { union } from "./box.ts";
import { ASCENT, DESCENT, type FontStyle, textWidth } from "./fonts.ts";
import { pathBox } from "./path.ts";

/** The part of a DOM node that measuring needs. */
export interface MeasuredNode {
  readonly nodeType: number;
  readonly nodeName: string;
  readonly textContent: string | null;
  readonly childNodes: ArrayLike<MeasuredNode> & Iterable<MeasuredNode>;
  readonly parentNode: MeasuredNode | null;
  getAttribute?(name: string): string | null;
}

interface Font extends FontStyle {
  size: number;
}

const ELEMENT = 1;
const TEXT = 3;
const CONTAINERS = new Set(["svg", "g", "a"]);

/**
 * Box of an SVG element in its own coordinates (as a browser's getBBox), from attributes, inline
 * styles and the widths in the font files; null where nothing is drawn.
 */
export function localBox(node: MeasuredNode): Box | null {
  if (node.nodeType !== ELEMENT || isHidden(node)) return null;
  const name = node.nodeName.toLowerCase();
  if (name === "text") return textBox(node);
  if (name === "path") return pathBox(node.getAttribute?.("d") ?? "");
  if (name === "rect" || name === "image" || name === "foreignobject") return rectangleBox(node);
  if (name === "circle") return circleBox(node);
  if (name === "line") return lineBox(node);
  if (!CONTAINERS.has(name)) return null;
  return union(Array.from(node.childNodes, (child) => {
    const box = localBox(child);
    return box && transformBox(box, ownMatrix(child));
  }));
}

/** Box of an SVG element on the page, that is, after its own and all outer transforms. */
export function pageBox(node: MeasuredNode): Box | null {
  const box = localBox(node);
  if (box === null) return null;
  let matrix: Matrix = IDENTITY;
  for (let at: MeasuredNode | null = node; at?.getAttribute; at = at.parentNode) {
    matrix = multiply(ownMatrix(at), matrix);
  }
  return transformBox(box, matrix);
}

/** Width in pixels of all text in an SVG element, on one line. */
export function textLength(node: MeasuredNode): number {
  return runsWidth(node, fontOf(node));
}

function textBox(node: MeasuredNode): Box | null {
  const font = fontOf(node);
  const x = numberOf(node, "x");
  const y = numberOf(node, "y");
  const anchor = inherited(node, "text-anchor") ?? "start";
  const lines = Array.from(node.childNodes).filter(isLine);
  const rows = lines.length === 0 ? [node] : lines;
  return union(rows.map((row) => {
    const width = runsWidth(row, font);
    if (width === 0) return null;
    const left = numberOf(row, "x", x) -
      width * (anchor === "end" ? 1 : anchor === "middle" ? 0.5 : 0);
    const baseline = numberOf(row, "y", y) + (row === node ? 0 : shift(row, font.size));
    return {
      left,
      right: left + width,
      top: baseline - ASCENT * font.size,
      bottom: baseline + DESCENT * font.size,
    };
  }));
}

function isLine(node: MeasuredNode): boolean {
  return node.nodeType === ELEMENT && (node.getAttribute?.("class") ?? "").includes("line");
}

function shift(node: MeasuredNode, size: number): number {
  const dy = node.getAttribute?.("dy") ?? "0";
  return dy.endsWith("em") ? parseFloat(dy) * size : parseFloat(dy) || 0;
}

/** Sums the widths of the text pieces below `node`, each in the style nearest to it. */
function runsWidth(node: MeasuredNode, font: Font): number {
  let width = 0;
  for (const child of node.childNodes) {
    if (child.nodeType === TEXT) width += textWidth(child.textContent ?? "", font.size, font);
    else if (child.nodeType === ELEMENT) width += runsWidth(child, ownFont(child, font));
  }
  return width;
}

function fontOf(node: MeasuredNode): Font {
  const parent = node.parentNode;
  return ownFont(node, parent?.getAttribute ? fontOf(parent) : { size: 12 });
}

function ownFont(node: MeasuredNode, outer: Font): Font {
  const size = property(node, "font-size");
  const weight = property(node, "font-weight");
  const slant = property(node, "font-style");
  const family = property(node, "font-family");
  return {
    size: size === null ? outer.size : lengthOf(size, outer.size),
    bold: weight === null ? outer.bold ?? false : weight === "bold" || Number(weight) >= 600,
    italic: slant === null ? outer.italic ?? false : slant === "italic" || slant === "oblique",
    mono: family === null ? outer.mono ?? false : /mono|courier/i.test(family),
  };
}

function lengthOf(text: string, outer: number): number {
  const value = parseFloat(text);
  if (!Number.isFinite(value)) return outer;
  if (text.endsWith("%")) return (value / 100) * outer;
  return text.endsWith("em") ? value * outer : value;
}

function inherited(node: MeasuredNode, name: string): string | null {
  for (let at: MeasuredNode | null = node; at?.getAttribute; at = at.parentNode) {
    const value = property(at, name);
    if (value !== null) return value;
  }
  return null;
}

/** A presentation property from the inline style or the attribute of that name. */
function property(node: MeasuredNode, name: string): string | null {
  const style = node.getAttribute?.("style");
  if (style?.includes(name)) {
    for (const part of style.split(";")) {
      const colon = part.indexOf(":");
      if (part.slice(0, colon).trim() === name) return part.slice(colon + 1).trim();
    }
  }
  return node.getAttribute?.(name) ?? null;
}

function isHidden(node: MeasuredNode): boolean {
  return property(node, "display") === "none";
}

function ownMatrix(node: MeasuredNode): Matrix {
  return parseTransform(node.getAttribute?.("transform") ?? null);
}

function numberOf(node: MeasuredNode, name: string, otherwise = 0): number {
  const text = node.getAttribute?.(name);
  if (text === null || text === undefined) return otherwise;
  const value = parseFloat(text);
  return Number.isFinite(value) ? value : otherwise;
}

function rectangleBox(node: MeasuredNode): Box {
  const [left, top] = [numberOf(node, "x"), numberOf(node, "y")];
  return {
    left,
    top,
    right: left + numberOf(node, "width"),
    bottom: top + numberOf(node, "height"),
  };
}

function circleBox(node: MeasuredNode): Box {
  const [x, y, r] = [numberOf(node, "cx"), numberOf(node, "cy"), numberOf(node, "r")];
  return { left: x - r, top: y - r, right: x + r, bottom: y + r };
}

function lineBox(node: MeasuredNode): Box {
  const [x1, x2] = [numberOf(node, "x1"), numberOf(node, "x2")];
  const [y1, y2] = [numberOf(node, "y1"), numberOf(node, "y2")];
  return {
    left: Math.min(x1, x2),
    top: Math.min(y1, y2),
    right: Math.max(x1, x2),
    bottom: Math.max(y1, y2),
  };
}
