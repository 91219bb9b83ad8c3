import { randomUUID } from "node:crypto";
import { pause } from "clickstream/config";

/** What a cell shows: one value in several forms, by MIME type. The front end picks the richest. */
export interface Bundle {
  /** The form every front end and every log can show. */
  "text/plain": string;
  [mime: string]: string | object;
}

/** How a {@link Bundle} is shown. */
export interface ShowOptions {
  /** Names the output so that a later call can replace it in place. */
  displayId?: string;
  /** Replaces the output with this display id instead of adding one. @default false */
  update?: boolean;
  /** Per MIME type hints, such as the width of an image in CSS pixels. @default {} */
  metadata?: Record<string, unknown>;
}

/**
 * Time given to the kernel after each display, in milliseconds. Deno kernels from 2.8.3 on can
 * report idle before an output is out; clients then lose it. 20 ms lost nothing.
 */
export const SETTLE_MS = 20;

interface Kernel {
  broadcast(type: string, content: Record<string, unknown>): Promise<void>;
}

/** Whether this code runs in a Deno Jupyter kernel. */
export function inKernel(): boolean {
  return kernel() !== null;
}

/**
 * Shows a bundle in the running Jupyter kernel, or prints its text to stdout elsewhere (an update
 * prints again). Resolves once the output has had time to leave the kernel.
 */
export async function show(bundle: Bundle, options: ShowOptions = {}): Promise<void> {
  const target = kernel();
  if (target === null) {
    console.log(bundle["text/plain"]);
    return;
  }
  await target.broadcast(options.update ? "update_display_data" : "display_data", {
    data: bundle,
    metadata: options.metadata ?? {},
    transient: options.displayId === undefined ? {} : { display_id: options.displayId },
  });
  await pause(SETTLE_MS);
}

/** MIME type of a live plotly figure. */
export const PLOTLY_MIME = "application/vnd.plotly.v1+json";

/**
 * Shows a live figure and then, in the same output, its picture too. JupyterLab's plotly extension
 * draws what comes without a picture at once and keeps it; with one it shows that, at as many CSS
 * pixels as it has image pixels, until the mouse is over it.
 */
export async function showFigure(bundle: Bundle, options: ShowOptions = {}): Promise<void> {
  const displayId = options.displayId ?? randomUUID();
  const { "image/png": png, ...live } = bundle;
  if (kernel() === null || png === undefined || !(PLOTLY_MIME in live)) {
    return await show(bundle, options);
  }
  await show(live, { ...options, displayId, metadata: {} });
  await show(bundle, { ...options, displayId, update: true });
}

/** The bundle without its live figure: of a picture that is drawn anew, front ends show each state. */
export function asPicture(bundle: Bundle): Bundle {
  const { [PLOTLY_MIME]: _live, ...picture } = bundle;
  return picture;
}

/** Outside a kernel reading `Deno.jupyter` throws. */
function kernel(): Kernel | null {
  try {
    return (Deno as { jupyter?: Kernel }).jupyter ?? null;
  } catch {
    return null;
  }
}
