import type { TaskRun } from "../run/mod.ts";
import { type Html, markup, scrollable } from "./html.ts";

const LEFT = 270;
const WIDTH = 640;
const ROW = 26;

/** A bar for each task over the time of the run, drawn as SVG, with the seconds written beside it. */
export function gantt(tasks: readonly TaskRun[]): Html {
  const run = tasks.filter((task) => task.start_time > 0 && task.end_time > 0);
  if (run.length === 0) {
    return markup`<p>No task was run.</p>`;
  }
  const start = Math.min(...run.map((task) => task.start_time));
  const end = Math.max(...run.map((task) => task.end_time), start + 1);
  const x = (time: number) => LEFT + ((time - start) / (end - start)) * WIDTH;
  const step = tickStep((end - start) / 1000);
  const ticks = Array.from(
    { length: Math.floor((end - start) / 1000 / step) + 1 },
    (_, i) => i * step,
  );
  const height = run.length * ROW + 28;
  const chart = markup`
      <svg
        role="img"
        aria-label="Tasks over time, in seconds since the start of the run"
        viewBox="0 0 ${LEFT + WIDTH + 90} ${height}"
        width="100%"
      >
        ${
    ticks.map((second) => {
      const at = x(start + second * 1000).toFixed(1);
      return markup`
            <line x1="${at}" x2="${at}" y1="0" y2="${height - 22}" /><text
              class="soft"
              x="${at}"
              y="${height - 6}"
              text-anchor="middle"
            >
              ${second} s
            </text>
          `;
    })
  } ${run.map((task, i) => bar(task, i, x))}
      </svg>
  `;
  return scrollable("Tasks over time", chart);
}

function bar(task: TaskRun, row: number, x: (time: number) => number): Html {
  const [from, to] = [x(task.start_time), x(task.end_time)];
  const bad = task.state.result_state === "SUCCESS" ? "" : " bad";
  const y = row * ROW + 4;
  return markup`
    <text x="0" y="${y + 14}">${task.task_key}</text><rect
      class="bar${bad}"
      x="${from.toFixed(1)}"
      y="${y}"
      width="${Math.max(to - from, 2).toFixed(1)}"
      height="18"
      rx="3"
    /><text x="${(to + 6).toFixed(1)}" y="${y + 14}">${
    (task.execution_duration / 1000).toFixed(
      1,
    )
  } s</text>
  `;
}

/** A round number of seconds that gives at most eight ticks. */
function tickStep(seconds: number): number {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
  return steps.find((step) => seconds / step <= 8) ?? 7200;
}
