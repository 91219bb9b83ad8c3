/**
 * How long a chart takes, from figure to PNG (840 x 450 CSS pixels, twice that in image pixels):
 * `deno run -A bench/display.ts`. The aim is at most 150 ms once warm, and a second to get warm.
 * The processor's time is given too: it tells the same on a busy machine.
 */
import process from "node:process";
import { renderPng } from "clickstream/display";
import { figures } from "../test/display/figures.ts";

const RUNS = 15;

const start = performance.now();
await renderPng(figures.funnel!);
const loading = performance.now() - start;
const rows = [["chart", "median (ms)", "slowest (ms)", "processor (ms)"], ["-", "-:", "-:", "-:"]];
for (const [name, figure] of Object.entries(figures)) {
  const times: number[] = [];
  const processor: number[] = [];
  for (let run = 0; run < RUNS + 3; run++) {
    const [begin, used] = [performance.now(), process.cpuUsage()];
    await renderPng(figure);
    const { user, system } = process.cpuUsage(used);
    if (run < 3) continue;
    times.push(performance.now() - begin);
    processor.push((user + system) / 1000);
  }
  rows.push([
    name,
    ...[median(times), Math.max(...times), median(processor)].map((ms) => ms.toFixed(0)),
  ]);
}
console.log(
  `Deno ${Deno.version.deno}; the first chart, loading included: ${loading.toFixed(0)} ms.\n`,
);
for (const row of rows) console.log(`| ${row.join(" | ")} |`);
Deno.exit(0);

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
