import type { CellFailure } from "../notebook/mod.ts";
import type { JobRun, NotebookResults, RunFolder, TaskRun } from "../run/mod.ts";
import { gantt } from "./gantt.ts";
import { formatFigure, historyTable, type PastRun } from "./history.ts";
import { type Html, markup, tableOf } from "./html.ts";
import { interactiveScript } from "./interactive.ts";
import { story } from "./story.ts";
import { STYLE } from "./style.ts";

/** What a report is made from. */
export interface ReportOptions {
  run: JobRun;
  folder: RunFolder;
  results: NotebookResults[];
  /** Runs of the same home, newest first, this one among them. */
  history: PastRun[];
  /** Sentences of warning. */
  warnings: string[];
  /** How to resume, for a run that did not succeed. */
  resume: string;
}

/** How many of the slowest cells are named. */
const SLOWEST = 12;

/** The report of a run as one HTML page that needs nothing else, not even a network. */
export function reportHtml(options: ReportOptions): string {
  const { run, folder, results, history } = options;
  const warnings = [...options.warnings, ...results.flatMap(({ warnings = [] }) => warnings)];
  const shown = story(folder, run.tasks);
  const page = markup`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Run ${run.run_id} of ${run.name}: ${run.state.result_state ?? ""}</title>
        <style>
        ${{ html: STYLE }}
        </style>
      </head>
      <body>
        <header>
          <h1>Run ${run.run_id} of the ${run.name} job</h1>
          ${summary(run)}
        </header>
        <main>
          ${warnings.map((text) => markup`<p class="bad">${text}</p>`)} ${failures(options)}
          ${contents(options)}
          <h2 id="tasks">Tasks over time</h2>
          ${gantt(run.tasks)} ${taskTable(run.tasks)}
          <h2 id="time">Where the time went</h2>
          ${slowCells(run.tasks)}
          <h2 id="checks">Checks</h2>
          ${checks(results)}
          <h2 id="figures">Figures</h2>
          ${figures(results)}
          ${tables(results)}
          <h2 id="story">What the notebooks show</h2>
          ${nonEmpty(shown, "No chart or table was drawn.")}
          <h2 id="history">Earlier runs</h2>
          ${historyTable(history)}
          <h2 id="made">Made with</h2>
          ${made(run)}
        </main>
        ${shown.some(({ html }) => html.includes("<button")) ? interactiveScript() : undefined}
      </body>
    </html>
  `;
  return page.html.trim() + "\n";
}

function summary(run: JobRun): Html {
  const state = run.state.result_state ?? run.state.life_cycle_state;
  const started = new Date(run.start_time).toISOString().slice(0, 19).replace("T", " ");
  return markup`
    <p>
      <span class="state ${state === "SUCCESS" ? "good" : "bad"}">${state}</span>
      in ${
    (run.run_duration / 1000).toFixed(1)
  } s, started ${started} UTC. ${run.state.state_message}
    </p>
  `;
}

/** What is on the page, and how many of the claims hold. */
function contents({ results }: ReportOptions): Html {
  const claims = results.flatMap(({ checks }) => checks);
  const holding = claims.filter(({ ok }) => ok).length;
  const own = results.flatMap(({ tables = [] }) => tables.map(({ title }) => [idOf(title), title]));
  const links = [
    ["tasks", "Tasks"],
    ["time", "Time"],
    ["checks", `Checks (${holding} of ${claims.length} hold)`],
    ["figures", "Figures"],
    ...own,
    ["story", "Charts and tables"],
    ["history", "Earlier runs"],
    ["made", "Versions"],
  ].map(([id, text]) => markup`<a href="#${id}">${text}</a>`);
  return markup`<nav aria-label="On this page">${links}</nav>`;
}

const idOf = (title: string) => `table-${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;

function failures({ run, resume }: ReportOptions): Html {
  const failed = run.tasks.filter((task) => task.failure !== undefined);
  if (failed.length === 0) {
    return markup``;
  }
  return markup`
    <h2>What failed</h2>
    ${failed.map((task) => failureBlock(task, task.failure!))} ${
    resume ? markup`<p>Resume with <code>${resume}</code></p>` : markup``
  }
  `;
}

function failureBlock(task: TaskRun, failure: CellFailure): Html {
  const line = failure.line === undefined ? "" : `, line ${failure.line}`;
  const place = failure.cell === 0 ? "before its first cell" : `cell ${failure.cell}${line}`;
  return markup`
    <h3>${task.task_key}: ${task.state.result_state ?? ""}</h3>
    <p><a href="${task.task_key}.ipynb">${failure.notebook}</a>, ${place}: <code>${failure.firstLine}</code></p>
    <pre>${[failure.error, ...failure.stack.slice(0, 20)].join("\n")}</pre>
  `;
}

function taskTable(tasks: readonly TaskRun[]): Html {
  const rows = tasks.map((task) => [
    markup`<a href="${task.task_key}.ipynb">${task.task_key}</a>`,
    task.description,
    task.state.result_state ?? task.state.life_cycle_state,
    task.end_time > 0 ? `${(task.execution_duration / 1000).toFixed(1)} s` : "",
    String(task.attempt_number),
    task.depends_on.map(({ task_key }) => task_key.split("_")[0]).join(", "),
    task.state.state_message,
  ]);
  const heads = ["task", "what it does", "result", "time", "attempts", "after", "message"];
  return tableOf("The tasks, each with its executed notebook", heads, rows);
}

function slowCells(tasks: readonly TaskRun[]): Html {
  const cells = tasks.flatMap((task) => task.cells.map((cell) => ({ task, ...cell })))
    .sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST);
  if (cells.length === 0) {
    return markup`<p>No cell was run.</p>`;
  }
  const whole = tasks.reduce((sum, task) => sum + task.execution_duration / 1000, 0);
  const rows = cells.map(({ task, cell, firstLine, seconds }) => [
    `${task.task_key}, cell ${cell}`,
    firstLine.replace(/^\/\/\s*/, ""),
    `${seconds.toFixed(1)} s`,
    `${((100 * seconds) / Math.max(whole, 1e-9)).toFixed(0)} %`,
  ]);
  return tableOf(
    "The slowest cells; shares are of the tasks' times added up",
    ["cell", "first line", "time", "share"],
    rows,
  );
}

function checks(results: readonly NotebookResults[]): Html {
  const rows = results.flatMap(({ notebook, checks }) =>
    checks.map(({ name, ok, detail }) => [
      name,
      ok
        ? markup`<span class="good">✓ holds</span>`
        : markup`<span class="bad">✗ does not hold</span>`,
      detail,
      notebook,
    ])
  );
  if (rows.length === 0) {
    return markup`<p>No notebook reported a check.</p>`;
  }
  return tableOf(
    "Claims that the notebooks checked",
    ["claim", "result", "numbers", "notebook"],
    rows,
  );
}

function figures(results: readonly NotebookResults[]): Html {
  const rows = results.flatMap(({ notebook, figures }) =>
    Object.entries(figures ?? {}).map(([name, value]) => [name, formatFigure(value), notebook])
  );
  if (rows.length === 0) {
    return markup`<p>No notebook reported a figure.</p>`;
  }
  return tableOf("Numbers worth keeping", ["figure", "value", "notebook"], rows);
}

function tables(results: readonly NotebookResults[]): Html[] {
  return results.flatMap(({ notebook, tables = [] }) =>
    tables.map(({ title, rows }) => {
      const heads = Object.keys(rows[0] ?? {});
      const cells = rows.map((row) => heads.map((head) => formatFigure(row[head] ?? null)));
      return markup`<h2 id="${idOf(title)}">${title}</h2>${
        tableOf(`Reported by ${notebook}`, heads, cells)
      }`;
    })
  );
}

function made(run: JobRun): Html {
  const rows = [
    ...Object.entries(run.environment),
    ...run.parameters.map(({ name, default: value }) => [`parameter ${name}`, value]),
  ];
  return tableOf("Versions, machine and parameters", ["what", "value"], rows);
}

function nonEmpty(parts: Html[], otherwise: string): Html {
  return parts.length > 0 ? markup`${parts}` : markup`<p>${otherwise}</p>`;
}
