/** An upright rectangle in pixels. */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** An affine map (x, y) -> (a x + c y + e, b x + d y + f), in SVG's order. */
export type Matrix = readonly [number, number, number, number, number, number];

/** The map that leaves every point where it is. */
export const IDENTITY: Matrix = [1, 0, 0, 1, 0, 0];

/** The smallest box around all of `boxes`, or null when there is none. */
export function union(boxes: Iterable<Box | null>): Box | null {
  let all: Box | null = null;
  for (const box of boxes) {
    if (box === null) continue;
    all = all === null ? { ...box } : {
      left: Math.min(all.left, box.left),
      top: Math.min(all.top, box.top),
      right: Math.max(all.right, box.right),
      bottom: Math.max(all.bottom, box.bottom),
    };
  }
  return all;
}

/** The upright box around `box` after `matrix`. */
export function transformBox(box: Box, matrix: Matrix): Box {
  const [a, b, c, d, e, f] = matrix;
  const corners = [
    [box.left, box.top],
    [box.right, box.top],
    [box.left, box.bottom],
    [box.right, box.bottom],
  ] as const;
  const xs = corners.map(([x, y]) => a * x + c * y + e);
  const ys = corners.map(([x, y]) => b * x + d * y + f);
  return {
    left: Math.min(...xs),
    top: Math.min(...ys),
    right: Math.max(...xs),
    bottom: Math.max(...ys),
  };
}

/** `outer` after `inner`. */
export function multiply(outer: Matrix, inner: Matrix): Matrix {
  const [a, b, c, d, e, f] = outer;
  const [g, h, i, j, k, l] = inner;
  return [
    a * g + c * h,
    b * g + d * h,
    a * i + c * j,
    b * i + d * j,
    a * k + c * l + e,
    b * k + d * l + f,
  ];
}

/** Reads an SVG `transform` attribute: translate, scale, rotate and matrix, in any number. */
export function parseTransform(text: string | null): Matrix {
  if (!text) return IDENTITY;
  let matrix = IDENTITY;
  for (const [, name, list] of text.matchAll(/(\w+)\(([^)]*)\)/g)) {
    const numbers = (list ?? "").split(/[\s,]+/).filter((part) => part !== "").map(Number);
    matrix = multiply(matrix, step(name ?? "", numbers));
  }
  return matrix;
}

function step(name: string, [p = 0, q, r, s, t, u]: number[]): Matrix {
  if (name === "translate") return [1, 0, 0, 1, p, q ?? 0];
  if (name === "scale") return [p, 0, 0, q ?? p, 0, 0];
  if (name === "matrix") return [p, q ?? 0, r ?? 0, s ?? 1, t ?? 0, u ?? 0];
  if (name !== "rotate") return IDENTITY;
  const angle = (p * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [x, y] = [q ?? 0, r ?? 0];
  return [cos, sin, -sin, cos, x - cos * x + sin * y, y - sin * x - cos * y];
}
