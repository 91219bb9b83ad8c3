/**
 * How long a chart takes, from figure to PNG (840 x 450 CSS pixels, twice that in image pixels):
 * `deno run -A bench/display.ts`. The aim is at most 150 ms once warm, and a second to get warm.
 */
import { renderPng } from "clickstream/display";
import { figures } from "../test/display/figures.ts";

const RUNS = 15;

const start = performance.now();
await renderPng(figures.funnel!);
console.log(`first chart, loading included  ${(performance.now() - start).toFixed(0)} ms`);
for (const [name, figure] of Object.entries(figures)) {
  const times: number[] = [];
  for (let run = 0; run < RUNS + 3; run++) {
    const begin = performance.now();
    await renderPng(figure);
    if (run >= 3) times.push(performance.now() - begin);
  }
  times.sort((a, b) => a - b);
  const [median, worst] = [times[RUNS >> 1]!, times.at(-1)!];
  console.log(`${name.padEnd(18)} median ${median.toFixed(0)} ms, worst ${worst.toFixed(0)} ms`);
}
