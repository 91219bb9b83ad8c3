import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { Window } from "happy-dom";
import { type Figure, renderPng, renderSvg } from "clickstream/display";
import { type MeasuredNode, pageBox } from "../../lib/display/measure.ts";
import { TRACE_TYPES } from "../../lib/display/figure.ts";
import { figures } from "./figures.ts";

const WIDTH = 840;
const EXPECTED = new URL("./expected/", import.meta.url);

Deno.test("no text of any chart leaves the picture", async () => {
  for (const [name, figure] of Object.entries(figures)) {
    const svg = await renderSvg(figure);
    const height = figure.layout?.height ?? 450;
    const boxes = textBoxes(svg);
    assert.ok(boxes.length >= 4, name);
    for (const { text, box } of boxes) {
      const where = `${name}: "${text}" at ${JSON.stringify(box)}`;
      assert.ok(box.left >= -0.5 && box.top >= -0.5, where);
      assert.ok(box.right <= WIDTH + 0.5 && box.bottom <= height + 0.5, where);
    }
  }
});

Deno.test("labels of lines and axes do not overlap", async () => {
  for (const [name, figure] of Object.entries(figures)) {
    const boxes = textBoxes(await renderSvg(figure));
    boxes.forEach((one, i) => {
      for (const other of boxes.slice(i + 1)) {
        const wide = Math.min(one.box.right, other.box.right) -
          Math.max(one.box.left, other.box.left);
        const high = Math.min(one.box.bottom, other.box.bottom) -
          Math.max(one.box.top, other.box.top);
        assert.ok(wide < 2 || high < 4, `${name}: "${one.text}" meets "${other.text}"`);
      }
    });
  }
});

// Run with CLICKSTREAM_UPDATE_IMAGES=1 to accept what is drawn now; look at the files first.
Deno.test("charts look as they were when last looked at", async () => {
  for (const [name, figure] of Object.entries(figures)) {
    const png = await renderPng(figure, { scale: 0.5 });
    const file = new URL(`${name}.png`, EXPECTED);
    if (Deno.env.get("CLICKSTREAM_UPDATE_IMAGES")) {
      mkdirSync(EXPECTED, { recursive: true });
      writeFileSync(file, png);
    }
    const distance = meanDistance(decode(png), decode(readFileSync(file)));
    assert.ok(distance < 1.5, `${name} differs by ${distance.toFixed(2)} of 255 a channel`);
  }
});

Deno.test("the same figure gives the same bytes", async () => {
  const [first, second] = [await renderPng(figures.heatmap!), await renderPng(figures.heatmap!)];
  assert.ok(Buffer.from(first).equals(Buffer.from(second)));
});

Deno.test("a dark chart has a dark background", async () => {
  const { pixels } = decode(await renderPng(figures.funnel!, { mode: "dark", scale: 1 }));
  assert.deepEqual([...pixels.subarray(0, 3)], [0x14, 0x18, 0x1f]);
});

Deno.test("things have the same colour in every chart, and an own colour wins", async () => {
  const svg = await renderSvg({
    data: [
      { name: "purchases", type: "bar", x: [1], y: [1] },
      { name: "cart", mode: "markers", x: [1], y: [1] },
      { name: "view", mode: "lines", x: [1, 2], y: [1, 2], line: { color: "rgb(1, 2, 3)" } },
    ],
  });
  assert.match(svg, /fill: rgb\(0, 158, 115\)/);
  assert.match(svg, /fill: rgb\(201, 133, 0\)/);
  assert.match(svg, /stroke: rgb\(1, 2, 3\)/);
  assert.doesNotMatch(svg, /rgb\(0, 114, 178\)/);
});

Deno.test("size and scale are what was asked for", async () => {
  const png = Buffer.from(await renderPng(figures.funnel!, { width: 500, height: 300, scale: 1 }));
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [500, 300]);
});

Deno.test("figures drawn at the same time do not disturb each other", async () => {
  const alone = await renderSvg(figures.stacked!);
  const [together] = await Promise.all([renderSvg(figures.stacked!), renderSvg(figures.sankey!)]);
  assert.equal(withoutIds(together), withoutIds(alone));
});

Deno.test("every kind of trace that is promised is drawn, and plotly stays silent", async () => {
  const values = { x: [1, 2, 3, 4], y: [2, 1, 4, 3] };
  const special: Record<string, object> = {
    heatmap: { z: [[1, 2], [3, 4]] },
    contour: { z: [[1, 2, 1], [3, 4, 3], [1, 2, 1]] },
    pie: { labels: ["view", "cart"], values: [9, 1] },
    sankey: { node: { label: ["a", "b"] }, link: { source: [0], target: [1], value: [1] } },
    indicator: { mode: "number", value: 0.73 },
    treemap: { labels: ["all", "part"], parents: ["", "all"], values: [2, 1] },
  };
  for (const type of TRACE_TYPES) {
    const svg = await renderSvg({ data: [{ type, ...(special[type] ?? values) }] });
    assert.match(svg, /<path|<image|0\.73/, type);
    assert.doesNotMatch(svg, /NaN|undefined/, type);
  }
});

Deno.test("a chart without data says so", async () => {
  for (const data of [[], [{ x: [1, 2], y: [null, null] }], [{ y: [] }]]) {
    assert.match(await renderSvg({ data }), /no data yet/);
  }
});

Deno.test("a kind of trace that needs WebGL is refused in words", async () => {
  const figure = { data: [{ type: "mesh3d", x: [1], y: [1], z: [1] }] } as unknown as Figure;
  await assert.rejects(
    renderPng(figure),
    /"mesh3d" cannot be drawn without a browser: use one of scatter/,
  );
});

interface TextBox {
  text: string;
  box: { left: number; top: number; right: number; bottom: number };
}

function textBoxes(svg: string): TextBox[] {
  const window = new Window();
  const { documentElement } = new window.DOMParser().parseFromString(svg, "image/svg+xml");
  return [...documentElement.querySelectorAll("text")].flatMap((node) => {
    const box = pageBox(node as unknown as MeasuredNode);
    return box === null ? [] : [{ text: node.textContent, box }];
  });
}

function withoutIds(svg: string): string {
  return svg.replaceAll(/(clip|legend|topdefs-|defs-|[xy]+)[0-9a-f]{6}(xyplot|xy|x|y)?/g, "$1");
}

/** Reads an 8 bit PNG without interlace, as resvg writes it. */
function decode(png: Uint8Array): { width: number; height: number; pixels: Uint8Array } {
  const bytes = Buffer.from(png);
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const channels = bytes[25] === 6 ? 4 : 3;
  const parts: Uint8Array[] = [];
  for (let at = 8; at < bytes.length;) {
    const size = bytes.readUInt32BE(at);
    if (bytes.toString("latin1", at + 4, at + 8) === "IDAT") {
      parts.push(bytes.subarray(at + 8, at + 8 + size));
    }
    at += size + 12;
  }
  const raw = inflateSync(Buffer.concat(parts));
  const stride = width * channels;
  const pixels = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)]!;
    for (let x = 0; x < stride; x++) {
      const left = x >= channels ? pixels[y * stride + x - channels]! : 0;
      const up = y > 0 ? pixels[(y - 1) * stride + x]! : 0;
      const corner = y > 0 && x >= channels ? pixels[(y - 1) * stride + x - channels]! : 0;
      const value = raw[y * (stride + 1) + 1 + x]!;
      pixels[y * stride + x] = value +
        [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]!;
    }
  }
  return { width, height, pixels };
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(guess - value)) as [
    number,
    number,
    number,
  ];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

function meanDistance(a: ReturnType<typeof decode>, b: ReturnType<typeof decode>): number {
  assert.deepEqual([a.width, a.height], [b.width, b.height]);
  let sum = 0;
  for (let i = 0; i < a.pixels.length; i++) sum += Math.abs(a.pixels[i]! - b.pixels[i]!);
  return sum / a.pixels.length;
}
