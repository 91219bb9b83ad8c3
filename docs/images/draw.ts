/** Draws the pictures of this folder anew: `deno run -A docs/images/draw.ts`. */
import { readFileSync, writeFileSync } from "node:fs";
import {
  colours,
  type Figure,
  labelEnds,
  pipelineDiagram,
  renderDiagram,
  renderPng,
} from "clickstream/display";

const hours = readFileSync(new URL("../../data/calibration/hour_of_day.csv", import.meta.url), "utf8")
  .trim().split("\n").slice(1).map((line) => line.split(",").map(Number));
const column = (index: number) => hours.map((row) => row[index] ?? 0);
const [hour, views, carts, purchases] = [column(0), column(1), column(2), column(3)];
const perHundred = (counts: number[]) => counts.map((count, i) => (100 * count) / views[i]!);

const byHour: Figure = labelEnds({
  data: [
    { name: "carts", mode: "lines", x: hour, y: perHundred(carts) },
    { name: "purchases", mode: "lines", x: hour, y: perHundred(purchases) },
    { type: "bar", x: hour, y: views, yaxis: "y2", marker: { color: colours.view } },
  ],
  layout: {
    title: {
      text: "Late in the morning people view most and buy most readily",
      subtitle: {
        text: "Events by hour of day, an electronics shop, September 2020 to February 2021 " +
          "(data: REES46, hourly figures estimated)",
      },
    },
    height: 520,
    xaxis: { title: "hour of day (UTC)", dtick: 3, anchor: "y" },
    yaxis: { title: "per 100 views", domain: [0, 0.52], rangemode: "tozero" },
    yaxis2: { title: "views", domain: [0.6, 1], nticks: 4 },
  },
});

for (const mode of ["light", "dark"] as const) {
  const save = (name: string, png: Uint8Array) =>
    writeFileSync(new URL(`${name}-${mode}.png`, import.meta.url), png);
  save("pipeline", await renderDiagram(pipelineDiagram(), { mode }));
  save("chart", await renderPng(byHour, { mode }));
}
