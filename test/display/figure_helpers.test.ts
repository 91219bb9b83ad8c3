import assert from "node:assert/strict";
import { colours, type Figure, labelEnds } from "clickstream/display";
import { boundFigure, MOST_POINTS } from "../../lib/display/bounds.ts";
import { describeFigure } from "../../lib/display/describe.ts";

interface Annotation {
  x: unknown;
  xref: string;
  y: number;
  text: string;
  yshift: number;
  font: { color: string };
}

const annotations = (figure: Figure) => figure.layout?.annotations as unknown as Annotation[];

Deno.test("line ends are named in the line's colour, instead of a legend", () => {
  const figure = labelEnds({
    data: [
      { name: "view", x: [1, 2, 3], y: [5, 9, null] },
      { name: "own", x: [1, 2], y: [0, 1], line: { color: "#123456" } },
      { name: "bars", type: "bar", x: [1], y: [4] },
    ],
  });
  assert.equal(figure.layout?.showlegend, false);
  assert.deepEqual(annotations(figure).map(({ y, text, font }) => [y, text, font.color]), [
    [9, "view", colours.view],
    [1, "own", "#123456"],
  ]);
});

Deno.test("a name stands outside of the plot, or where its line ends earlier", () => {
  const figure = labelEnds({
    data: [{ name: "view", x: [1, 2, 3], y: [5, 9, 8] }, { name: "cart", x: [1, 2], y: [1, 2] }],
  });
  assert.deepEqual(annotations(figure).map(({ x, xref }) => [x, xref]), [[1, "x domain"], [
    2,
    "x",
  ]]);
});

Deno.test("names of lines that end together move apart in the order of the lines", () => {
  const figure = labelEnds({
    data: [
      { name: "low", y: [0, 10, 5] },
      { name: "high", y: [90, 100, 5] },
    ],
  });
  const [low, high] = annotations(figure);
  assert.ok(high!.yshift - low!.yshift >= 15);
});

Deno.test("on a log axis names stand at the logarithm", () => {
  const figure = labelEnds({
    data: [{ name: "a", y: [1, 1000] }],
    layout: { yaxis: { type: "log" } },
  });
  assert.equal(annotations(figure)[0]!.y, 3);
});

Deno.test("a long line keeps its peaks, its ends and the company of its points", () => {
  const y = Array.from({ length: 50_000 }, (_, i) => i === 31_234 ? 99 : Math.sin(i));
  const text = y.map((_, i) => `point ${i}`);
  const { data: [trace] } = boundFigure({ data: [{ y, text, marker: { size: 3 } }] });
  const kept = trace!.y as number[];
  const places = trace!.x as number[];
  assert.ok(kept.length <= MOST_POINTS * 1.01);
  assert.ok(kept.includes(99));
  assert.deepEqual([places[0], places.at(-1)], [0, 49_999]);
  places.forEach((place, i) => assert.equal((trace!.text as string[])[i], `point ${place}`));
});

Deno.test("a short trace is left as it is", () => {
  const figure = { data: [{ x: [1, 2], y: [3, 4] }] };
  assert.deepEqual(boundFigure(figure), figure);
});

Deno.test("a figure that must be summed up first is refused", () => {
  const x = new Array(300_000).fill(1);
  assert.throws(() => boundFigure({ data: [{ type: "histogram", x }] }), /300,000 values.*group/);
});

Deno.test("a chart in words has its title, kinds, counts and ranges", () => {
  assert.equal(
    describeFigure({
      data: [{ name: "view", x: ["Sep", "Oct"], y: [9, 14_000] }],
      layout: {
        title: { text: "More<br><b>views</b>", subtitle: { text: "by month" } },
        yaxis: { title: "events" },
      },
    }),
    "[chart] More views\nby month\n  view: lines, 2 points, x Sep … Oct, events 9 to 14,000",
  );
  assert.equal(describeFigure({ data: [] }, "Nothing yet"), "Nothing yet");
});
