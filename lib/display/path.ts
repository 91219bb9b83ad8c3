import type { Box } from "./box.ts";

/** A point in pixels. */
export interface Point {
  x: number;
  y: number;
}

const COUNTS: Record<string, number> = { m: 2, l: 2, h: 1, v: 1, c: 6, s: 4, q: 4, t: 2, a: 7 };
/** Straight pieces that a curve is measured with. */
const CURVE_STEPS = 16;

/** Box of an SVG path; curves are measured by points on them. Null for an empty path. */
export function pathBox(d: string): Box | null {
  const points = pathPoints(d);
  if (points.length === 0) return null;
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const { x, y } of points) {
    if (x < box.left) box.left = x;
    if (x > box.right) box.right = x;
    if (y < box.top) box.top = y;
    if (y > box.bottom) box.bottom = y;
  }
  return box;
}

/** Length of an SVG path in pixels. */
export function pathLength(d: string): number {
  const points = pathPoints(d);
  let length = 0;
  for (let i = 1; i < points.length; i++) length += distance(points[i - 1]!, points[i]!);
  return length;
}

/** The point `at` pixels along an SVG path; its ends where `at` lies outside. */
export function pathPointAt(d: string, at: number): Point {
  const points = pathPoints(d);
  let left = Math.max(0, at);
  for (let i = 1; i < points.length; i++) {
    const [from, to] = [points[i - 1]!, points[i]!];
    const piece = distance(from, to);
    if (left <= piece && piece > 0) {
      const share = left / piece;
      return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
    }
    left -= piece;
  }
  return points.at(-1) ?? { x: 0, y: 0 };
}

/** The corners of a path, and points along its curves. Moves count as pieces: ours have one. */
export function pathPoints(d: string): Point[] {
  const points: Point[] = [];
  let at: Point = { x: 0, y: 0 };
  let start = at;
  for (const [, letter = "", list = ""] of d.matchAll(/([a-df-zA-DF-Z])([^a-df-zA-DF-Z]*)/g)) {
    const command = letter.toLowerCase();
    if (command === "z") {
      points.push(start);
      at = start;
      continue;
    }
    const numbers = (list.match(/-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?/gi) ?? []).map(Number);
    const count = COUNTS[command] ?? 2;
    for (let i = 0; i + count <= numbers.length; i += count) {
      const piece = trace(command, numbers.slice(i, i + count), at, letter === command);
      points.push(...piece);
      at = piece.at(-1) ?? at;
      if (command === "m" && i === 0) start = at;
    }
  }
  return points;
}

function trace(command: string, values: number[], at: Point, relative: boolean): Point[] {
  const origin = relative ? at : { x: 0, y: 0 };
  if (command === "h") return [{ x: origin.x + values[0]!, y: at.y }];
  if (command === "v") return [{ x: at.x, y: origin.y + values[0]! }];
  const pairs: Point[] = [];
  const tail = command === "a" ? values.slice(5) : values;
  for (let i = 0; i + 1 < tail.length; i += 2) {
    pairs.push({ x: origin.x + tail[i]!, y: origin.y + tail[i + 1]! });
  }
  if (command === "a") return arcBounds(at, pairs[0]!, values[0]!, values[1]!);
  if (pairs.length === 1) return pairs;
  return bezier([at, ...pairs]);
}

/** De Casteljau's construction at evenly spaced parameters. */
function bezier(controls: Point[]): Point[] {
  const points: Point[] = [];
  for (let step = 1; step <= CURVE_STEPS; step++) {
    const t = step / CURVE_STEPS;
    let level = controls;
    while (level.length > 1) {
      level = level.slice(1).map((to, i) => ({
        x: level[i]!.x + (to.x - level[i]!.x) * t,
        y: level[i]!.y + (to.y - level[i]!.y) * t,
      }));
    }
    points.push(level[0]!);
  }
  return points;
}

/** Half circles (all that markers use) by their extremes; the end point comes last. */
function arcBounds(from: Point, to: Point, rx: number, ry: number): Point[] {
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  const low = { x: middle.x - rx, y: middle.y - ry };
  const high = { x: middle.x + rx, y: middle.y + ry };
  return distance(from, to) < 0.001 || distance(from, to) > 1.9 * rx ? [low, high, to] : [to];
}

function distance(from: Point, to: Point): number {
  return Math.hypot(to.x - from.x, to.y - from.y);
}
