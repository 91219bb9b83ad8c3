import { pause } from "clickstream/config";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createCanvas } from "./canvas.ts";
import type { Box } from "./box.ts";
import type { Figure } from "./figure.ts";
import { loadFonts } from "./fonts.ts";
import { type InlineStyle, inlineStyle, type StyledElement } from "./inline_style.ts";
import { localBox, type MeasuredNode, pageBox, textLength } from "./measure.ts";
import { pathLength, pathPointAt } from "./path.ts";

/** Turns a figure into an SVG document, as plotly would draw it in a browser. */
export type DrawSvg = (figure: Figure, width: number, height: number) => Promise<string>;

interface Plotly {
  newPlot(target: unknown, data: unknown, layout: unknown, config: unknown): Promise<unknown>;
  purge(target: unknown): void;
  setPlotConfig(config: { logging: 0 | 1 | 2 }): void;
  Snapshot: { toSVG(target: unknown, format: "svg", scale: number): string };
}

/** The names that plotly.js expects to find in a browser's global scope. */
const BROWSER_NAMES = [
  ...["window", "self", "document", "navigator", "getComputedStyle", "XMLSerializer", "DOMParser"],
  ...["HTMLElement", "Element", "Node", "SVGElement", "MutationObserver", "Image"],
  ...["requestAnimationFrame", "cancelAnimationFrame"],
];

let loading: Promise<DrawSvg> | undefined;

/**
 * Loads plotly.js into a DOM stand-in, once: about a second the first time. Nothing is added to
 * the global scope, so a notebook's own names are safe.
 */
export function loadPlotly(): Promise<DrawSvg> {
  loading ??= start();
  return loading;
}

async function start(): Promise<DrawSvg> {
  const [{ Window }] = await Promise.all([import("happy-dom"), loadFonts()]);
  const window = new Window({ width: 1280, height: 720 }) as unknown as BrowserWindow;
  supplyGeometry(window);
  supplyCanvas(window);
  supplyStyles(window);
  const plotly = evaluate(window);
  plotly.setPlotConfig({ logging: 0 }); // warnings would become outputs of a notebook's cell
  return async (figure, width, height) => {
    const target = window.document.createElement("div");
    window.document.body.appendChild(target);
    try {
      const layout = { ...figure.layout, width, height, autosize: false };
      await plotly.newPlot(target, figure.data, layout, { staticPlot: true });
      return plotly.Snapshot.toSVG(target, "svg", 1);
    } finally {
      plotly.purge(target);
      target.remove();
      // The DOM stand-in's caches are weak, but V8 holds what they touched for the whole turn.
      await pause(0);
    }
  };
}

interface BrowserWindow extends Record<string, unknown> {
  document: {
    createElement(name: string): { remove(): void };
    body: { appendChild(node: unknown): void };
  };
}

interface Prototype {
  prototype: Record<string, unknown>;
}

/** Evaluates the asset as a function of the browser names; it is no module and needs a window. */
function evaluate(window: BrowserWindow): Plotly {
  const file = createRequire(import.meta.url).resolve("plotly.js-dist/plotly.js");
  const holder = { exports: {} as Plotly };
  const run = new Function("module", ...BROWSER_NAMES, quickened(readFileSync(file, "utf8")));
  const values = BROWSER_NAMES.map((name) =>
    name === "window" || name === "self" ? window : window[name]
  );
  run(holder, ...values);
  return holder.exports;
}

/** Deno has no `__proto__`; without it d3 copies a hundred methods onto every selection. */
function quickened(source: string): string {
  return source.replace("var d3_subclass = {}.__proto__ ?", "var d3_subclass = true ?").replace(
    "object.__proto__ = prototype;",
    "Object.setPrototypeOf(object, prototype);",
  );
}

/** happy-dom has no layout: boxes and lengths come from attributes and font files. */
function supplyGeometry(window: BrowserWindow): void {
  const element = (window.Element as Prototype).prototype;
  const d = (node: MeasuredNode) => node.getAttribute?.("d") ?? "";
  element.getBBox = function (this: MeasuredNode) {
    return rectangle(localBox(this));
  };
  element.getBoundingClientRect = function (this: MeasuredNode) {
    return rectangle(pageBox(this));
  };
  element.getComputedTextLength = function (this: MeasuredNode) {
    return textLength(this);
  };
  element.getTotalLength = function (this: MeasuredNode) {
    return pathLength(d(this));
  };
  element.getPointAtLength = function (this: MeasuredNode, at: number) {
    return pathPointAt(d(this), at);
  };
  for (const name of ["HTMLElement", "SVGElement", "SVGGraphicsElement"]) {
    const prototype = (window[name] as Prototype | undefined)?.prototype;
    if (prototype && Object.hasOwn(prototype, "getBoundingClientRect")) {
      prototype.getBoundingClientRect = element.getBoundingClientRect;
    }
    if (prototype && Object.hasOwn(prototype, "getBBox")) prototype.getBBox = element.getBBox;
  }
  (window.URL as unknown as Record<string, unknown>).createObjectURL = () => "";
}

function supplyStyles(window: BrowserWindow): void {
  const styles = new WeakMap<StyledElement, InlineStyle>();
  const style = {
    get(this: StyledElement): InlineStyle {
      let known = styles.get(this);
      if (known === undefined) styles.set(this, known = inlineStyle(this));
      return known;
    },
  };
  for (const name of ["SVGElement", "HTMLElement"]) {
    Object.defineProperty((window[name] as Prototype).prototype, "style", style);
  }
}

function supplyCanvas(window: BrowserWindow): void {
  const prototype = (window.HTMLCanvasElement as Prototype).prototype;
  const canvases = new WeakMap<object, ReturnType<typeof createCanvas>>();
  const canvasOf = (element: object) => {
    const known = canvases.get(element) ?? createCanvas();
    canvases.set(element, known);
    return known;
  };
  prototype.getContext = function (this: object, kind: string) {
    return kind === "2d" ? canvasOf(this).context : null;
  };
  prototype.toDataURL = function (this: { width: number; height: number }) {
    return canvasOf(this).toDataURL(this.width, this.height);
  };
}

function rectangle(box: Box | null) {
  const { left, top, right, bottom } = box ?? { left: 0, top: 0, right: 0, bottom: 0 };
  return { left, top, right, bottom, x: left, y: top, width: right - left, height: bottom - top };
}
