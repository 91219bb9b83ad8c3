import assert from "node:assert/strict";
import { Resvg } from "@resvg/resvg-js";
import fc from "fast-check";
import { Window } from "happy-dom";
import { fontFiles, loadFonts, textWidth, wrapText } from "../../lib/display/fonts.ts";
import { localBox, type MeasuredNode, pageBox } from "../../lib/display/measure.ts";
import { pathBox, pathLength, pathPointAt } from "../../lib/display/path.ts";

const document = new Window().document;

Deno.test("text is as wide as the renderer draws it", async () => {
  await loadFonts();
  const texts = [
    "events an hour",
    "1,515,915,625",
    "Precision (%)",
    "HHHH",
    "iiii",
    "Größe · 5 µs",
  ];
  for (const text of texts) {
    for (const bold of [false, true]) {
      // A dot on either side shows where the text begins and ends, whatever its letters' margins.
      const drawn = drawnWidth(`|${text}|`, 40, bold) - drawnWidth("||", 40, bold);
      const measured = textWidth(text, 40, { bold });
      assert.ok(Math.abs(drawn - measured) < 0.02 * measured + 1, `${text}: ${drawn}, ${measured}`);
    }
  }
});

Deno.test("anchor, lines and styles inside a text count", async () => {
  await loadFonts();
  const text = element(
    `<text x="100" y="50" style="font-size: 10px" text-anchor="middle">` +
      `<tspan class="line" dy="0em" x="100" y="50">short</tspan>` +
      `<tspan class="line" dy="1.3em" x="100" y="50">a <tspan style="font-weight:bold">longer</tspan></tspan>` +
      `</text>`,
  );
  const box = localBox(text)!;
  const width = textWidth("a ", 10) + textWidth("longer", 10, { bold: true });
  assert.ok(Math.abs(box.right - box.left - width) < 1e-9);
  assert.ok(Math.abs((box.left + box.right) / 2 - 100) < 1e-9);
  assert.ok(Math.abs(box.bottom - (50 + 13 + 2.36)) < 1e-9);
});

Deno.test("a box on the page is after all transforms", () => {
  const group = element(
    `<g transform="translate(10,20)"><g transform="rotate(90)scale(2)">` +
      `<rect x="1" y="0" width="3" height="1"/></g></g>`,
  );
  const inner = group.childNodes[0]!.childNodes[0]!;
  const box = pageBox(inner)!;
  assert.deepEqual(rounded(box), { left: 8, top: 22, right: 10, bottom: 28 });
  assert.deepEqual(rounded(pageBox(group)!), rounded(box));
});

Deno.test("what is not displayed has no box", () => {
  const group = element(`<g><rect width="5" height="5" style="display: none"/></g>`);
  assert.equal(localBox(group), null);
});

Deno.test("paths are measured, absolute, relative, curved and in scientific notation", () => {
  assert.deepEqual(pathBox("M1,2h3v-4l-1e1,0Z"), { left: -6, top: -2, right: 4, bottom: 2 });
  assert.deepEqual(pathBox("M0,0A5,5 0 1,1 10,0"), { left: 0, top: -5, right: 10, bottom: 5 });
  assert.equal(pathBox(""), null);
  assert.equal(pathLength("M0,0L3,4L3,10"), 11);
  assert.deepEqual(pathPointAt("M0,0L3,4L3,10", 8), { x: 3, y: 7 });
  const quarter = pathLength("M0,0C0,55.2 44.8,100 100,100");
  assert.ok(Math.abs(quarter - (Math.PI / 2) * 100) < 1, String(quarter));
});

Deno.test("wrapping keeps every word and no line is too wide unless a word is", async () => {
  await loadFonts();
  const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 40 });
  fc.assert(fc.property(words, fc.integer({ min: 40, max: 400 }), (list, width) => {
    const lines = wrapText(list.join(" "), width, 13);
    assert.equal(lines.join(" "), list.join(" "));
    for (const line of lines) {
      assert.ok(textWidth(line, 13) <= width || !line.includes(" "));
    }
  }));
});

function element(svg: string): MeasuredNode {
  const holder = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  holder.innerHTML = svg;
  return holder.childNodes[0] as unknown as MeasuredNode;
}

function drawnWidth(text: string, size: number, bold: boolean): number {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="2000" height="100">` +
    `<text x="20" y="60" font-family="DejaVu Sans" font-size="${size}"${
      bold ? ' font-weight="bold"' : ""
    }>${text}</text></svg>`;
  const options = { font: { fontFiles: fontFiles(), loadSystemFonts: false } };
  return new Resvg(svg, options).innerBBox()!.width;
}

function rounded(box: object): Record<string, number> {
  return Object.fromEntries(
    Object.entries(box).map(([key, value]) => [key, Math.round(value * 1e6) / 1e6]),
  );
}
