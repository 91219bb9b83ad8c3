import { Buffer } from "node:buffer";
import { crc32, deflateSync } from "node:zlib";

/** Up to this many pixels a picture becomes SVG rectangles, which stay sharp at every scale. */
const MOST_RECTANGLES = 40_000;

interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
  fill: string;
}

interface Pixels {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

/** What plotly asks of a 2D context when it draws heatmaps, and no more. */
export interface Canvas {
  context: {
    fillStyle: string;
    fillRect(x: number, y: number, width: number, height: number): void;
    createImageData(width: number, height: number): Pixels;
    putImageData(pixels: Pixels): void;
  };
  /** The drawing as a data URL: SVG where rectangles were filled, PNG where pixels were put. */
  toDataURL(width: number, height: number): string;
}

/** A canvas without a browser, for the heatmap family. */
export function createCanvas(): Canvas {
  const rectangles: Rectangle[] = [];
  let pixels: Pixels | null = null;
  const context = {
    fillStyle: "#000",
    fillRect(x: number, y: number, width: number, height: number) {
      rectangles.push({ x, y, width, height, fill: context.fillStyle });
    },
    createImageData: (width: number, height: number) => ({
      width,
      height,
      data: new Uint8ClampedArray(width * height * 4),
    }),
    putImageData(given: Pixels) {
      pixels = given;
    },
  };
  function toDataURL(width: number, height: number): string {
    if (pixels === null) return svgUrl(rectangles, width, height);
    const { data } = pixels;
    return width * height <= MOST_RECTANGLES
      ? svgUrl(rectanglesOf(pixels), width, height)
      : `data:image/png;base64,${Buffer.from(encodePng(width, height, data)).toString("base64")}`;
  }
  return { context, toDataURL };
}

/** Encodes RGBA bytes, row by row, as a PNG file. */
export function encodePng(
  width: number,
  height: number,
  rgba: Uint8Array | Uint8ClampedArray,
): Uint8Array {
  const rows = new Uint8Array((width * 4 + 1) * height);
  for (let y = 0; y < height; y++) {
    rows.set(rgba.subarray(y * width * 4, (y + 1) * width * 4), y * (width * 4 + 1) + 1);
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 6, 0, 0, 0], 8);
  return new Uint8Array(Buffer.concat([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", new Uint8Array(0)),
  ]));
}

function chunk(type: string, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(body, 8);
  view.setUint32(8 + body.length, crc32(bytes.subarray(4, 8 + body.length)));
  return bytes;
}

/** Neighbours of one colour in a row join into one rectangle. */
function rectanglesOf({ width, height, data }: Pixels): Rectangle[] {
  const words = new Uint32Array(data.buffer, data.byteOffset, width * height);
  const rectangles: Rectangle[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0, end = 0; x < width; x = end) {
      const at = y * width + x;
      for (end = x + 1; end < width && words[y * width + end] === words[at];) end++;
      const [red, green, blue, alpha] = data.subarray(at * 4, at * 4 + 4);
      if (!alpha) continue;
      rectangles.push({ x, y, width: end - x, height: 1, fill: `rgb(${red},${green},${blue})` });
    }
  }
  return rectangles;
}

function svgUrl(rectangles: Rectangle[], width: number, height: number): string {
  const body = rectangles
    .filter(({ fill }) => !/^rgba\(.*,0\)$/.test(fill))
    .map((r) =>
      `<rect x="${r.x}" y="${r.y}" width="${r.width}" height="${r.height}" fill="${r.fill}"/>`
    );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" shape-rendering="crispEdges">` +
    `${body.join("")}</svg>`;
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`;
}
