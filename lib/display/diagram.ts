import { Buffer } from "node:buffer";
import { drawDiagram } from "./diagram_svg.ts";
import { DisplayError } from "./errors.ts";
import { formatNumber } from "./format.ts";
import { type Bundle, inKernel, show } from "./kernel.ts";
import { svgToPng } from "./png.ts";
import type { Mode, Thing } from "./theme.ts";

/** A box of a diagram. */
export interface DiagramNode {
  /** Names the node in edges. */
  id: string;
  /** What stands in the box. */
  label: string;
  /** How many are there now; drawn large. */
  count?: number | bigint | undefined;
  /** What is counted. @default "" */
  unit?: string;
  /** A line in small type. */
  detail?: string;
  /** What it is, for its colour. @default a neutral one */
  thing?: Thing;
}

/** An arrow of a diagram. */
export interface DiagramEdge {
  /** Id of the node it leaves. */
  from: string;
  /** Id of the node it enters. */
  to: string;
  /** A word beside the arrow. */
  label?: string;
  /** For what happens now and then. @default false */
  dashed?: boolean;
}

/** Boxes and arrows, laid out from left to right. */
export interface DiagramSpec {
  /** @default none */
  title?: string;
  nodes: DiagramNode[];
  edges: DiagramEdge[];
}

/** How a diagram is drawn. */
export interface DiagramOptions {
  /** Light or dark. @default the theme in use */
  mode?: Mode;
  /** The diagram in words. @default made from nodes and edges */
  alt?: string;
}

/**
 * Shows boxes and arrows with live counts: a PNG and words in a notebook, the words elsewhere.
 *
 * @throws {DisplayError} two nodes share an id, or an edge names a node that is not there
 *
 * @example
 * ```ts
 * import { diagram } from "clickstream/display";
 * await diagram({
 *   nodes: [{ id: "hub", label: "Event Hubs", count: 12_000 }, { id: "bronze", label: "bronze" }],
 *   edges: [{ from: "hub", to: "bronze" }],
 * });
 * ```
 */
export async function diagram(spec: DiagramSpec, options: DiagramOptions = {}): Promise<void> {
  const { bundle, metadata } = await diagramBundle(spec, options);
  await show(bundle, { metadata });
}

/** The bundle that {@link diagram} shows; outside a kernel only its words. */
export async function diagramBundle(
  spec: DiagramSpec,
  options: DiagramOptions = {},
): Promise<{ bundle: Bundle; metadata: Record<string, unknown> }> {
  checkSpec(spec);
  const words = options.alt ?? describeDiagram(spec);
  if (!inKernel()) return { bundle: { "text/plain": words }, metadata: {} };
  const { svg, width } = await drawDiagram(spec, options.mode);
  const png = Buffer.from(await svgToPng(svg)).toString("base64");
  return {
    bundle: { "image/png": png, "text/plain": words },
    metadata: { "image/png": { width, alt: words } },
  };
}

/**
 * Draws a diagram as PNG, two image pixels for a CSS pixel.
 *
 * @throws {DisplayError} two nodes share an id, or an edge names a node that is not there
 */
export async function renderDiagram(
  spec: DiagramSpec,
  options: DiagramOptions = {},
): Promise<Uint8Array> {
  checkSpec(spec);
  const { svg } = await drawDiagram(spec, options.mode);
  return await svgToPng(svg);
}

/** A diagram in words: a line a node, with its count and where its arrows go. */
export function describeDiagram({ title, nodes, edges }: DiagramSpec): string {
  const labels = new Map(nodes.map((node) => [node.id, node.label]));
  const width = Math.max(0, ...nodes.map((node) => node.label.length));
  const counts = nodes.map(countText);
  const countWidth = Math.max(0, ...counts.map((count) => count.length));
  const lines = nodes.map((node, i) => {
    const targets = edges.filter((edge) => edge.from === node.id)
      .map((edge) => `${labels.get(edge.to)}${edge.label ? ` (${edge.label})` : ""}`);
    const arrow = targets.length === 0 ? "" : `  → ${targets.join(", ")}`;
    return `  ${node.label.padEnd(width)}  ${counts[i]!.padStart(countWidth)}${arrow}`.trimEnd();
  });
  return [`[diagram]${title ? ` ${title}` : ""}`, ...lines].join("\n");
}

/** A node's count with its unit; empty when it has none. */
export function countText({ count, unit }: DiagramNode): string {
  if (count === undefined) return "";
  return unit ? `${formatNumber(count)} ${unit}` : formatNumber(count);
}

function checkSpec({ nodes, edges }: DiagramSpec): void {
  const ids = new Set<string>();
  for (const { id } of nodes) {
    if (ids.has(id)) throw new DisplayError(`The diagram has two nodes "${id}": rename one.`);
    ids.add(id);
  }
  for (const { from, to } of edges) {
    const missing = [from, to].find((id) => !ids.has(id));
    if (missing !== undefined) {
      throw new DisplayError(
        `The diagram's edge ${from} → ${to} names "${missing}", which is no node: add it.`,
      );
    }
  }
}
