import assert from "node:assert/strict";
import { colourOf, colours, colourway, type Thing } from "clickstream/display";
import { type Mode, shades } from "../../lib/display/theme.ts";

type Rgb = [number, number, number];

/** How the kinds of colour vision see, as matrices on linear RGB (Viénot, Brettel, Mollon 1999). */
const VISIONS: Record<string, number[][]> = {
  full: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  deuteranopia: [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
  protanopia: [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
};

/** Things that are met in one chart. */
const TOGETHER: Thing[][] = [
  ["view", "cart", "purchase"],
  ["historical", "live"],
  ["model", "baseline"],
  ["good", "bad"],
  ["bronze", "silver", "gold", "online"],
];

Deno.test("every colour stands out from both backgrounds", () => {
  for (const [thing, colour] of Object.entries(colours)) {
    const least = ["bronze", "silver", "gold"].includes(thing) ? 2.5 : 3;
    for (const mode of ["light", "dark"] as Mode[]) {
      const found = contrast(colour, shades(mode).background);
      assert.ok(found >= least, `${thing} on ${mode}: ${found.toFixed(2)}`);
    }
  }
});

Deno.test("text is easy to read on both backgrounds", () => {
  for (const mode of ["light", "dark"] as Mode[]) {
    const { background, panel, text, muted } = shades(mode);
    for (const paper of [background, panel]) {
      assert.ok(contrast(text, paper) >= 7);
      assert.ok(contrast(muted, paper) >= 4.5);
    }
  }
});

Deno.test("things met in one chart differ for every kind of colour vision", () => {
  for (const things of TOGETHER) {
    for (const [vision, matrix] of Object.entries(VISIONS)) {
      things.forEach((one, i) => {
        for (const other of things.slice(i + 1)) {
          const far = distance(seen(colours[one], matrix), seen(colours[other], matrix));
          assert.ok(far >= 15, `${one} and ${other} by ${vision}: ${far.toFixed(1)}`);
        }
      });
    }
  }
});

Deno.test("names find their colour in singular, plural and by synonym", () => {
  assert.equal(colourOf("view"), colours.view);
  assert.equal(colourOf("Purchases"), colours.purchase);
  assert.equal(colourOf("real-time"), colours.live);
  assert.equal(colourOf("something else"), undefined);
  assert.equal(colourOf("toString"), undefined);
  assert.equal(new Set(colourway).size, colourway.length);
});

function linear(colour: string): Rgb {
  return [1, 3, 5].map((at) => {
    const value = parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
}

function contrast(one: string, other: string): number {
  const [low, high] = [one, other].map((colour) => {
    const [r, g, b] = linear(colour);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }).sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function seen(colour: string, matrix: number[][]): Rgb {
  const rgb = linear(colour);
  return lab(matrix.map((row) => row.reduce((sum, w, i) => sum + w * rgb[i]!, 0)) as Rgb);
}

/** CIE L*a*b* (D65). */
function lab([r, g, b]: Rgb): Rgb {
  const f = (t: number) => t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116;
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047);
  const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function distance(one: Rgb, other: Rgb): number {
  return Math.hypot(...one.map((value, i) => value - other[i]!));
}
