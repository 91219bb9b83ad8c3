import {
  type JobRun,
  listRuns,
  type NotebookResults,
  readResults,
  readRun,
  runFolder,
} from "../run/mod.ts";
import { type Html, markup, tableOf } from "./html.ts";

/** An earlier run, or this one, with what its notebooks reported. */
export interface PastRun {
  run: JobRun;
  results: NotebookResults[];
}

/** Longest history shown. */
const KEPT = 10;

/** The latest runs of a home, newest first. A run that cannot be read is left out. */
export function pastRuns(config: { home: string }): PastRun[] {
  return listRuns(config).toReversed().slice(0, KEPT).flatMap((runId) => {
    try {
      return [{ run: readRun(config, runId), results: readResults(runFolder(config, runId)) }];
    } catch {
      return [];
    }
  });
}

/** A column a run: how it ended, how long each task took, and the figures it reported. */
export function historyTable(runs: readonly PastRun[]): Html {
  if (runs.length < 2) {
    return markup`<p>This is the first run of this home.</p>`;
  }
  const keys = [...new Set(runs.flatMap(({ run }) => run.tasks.map((task) => task.task_key)))];
  const figures = [...new Set(runs.flatMap(({ results }) => figureNames(results)))];
  const rows: (string | Html)[][] = [
    ["result", ...runs.map(({ run }) => run.state.result_state ?? run.state.life_cycle_state)],
    ["data", ...runs.map(({ run }) => parameter(run, "data"))],
    ["size", ...runs.map(({ run }) => parameter(run, "size"))],
    ["whole run", ...runs.map(({ run }) => took(run.run_duration))],
    ...keys.map((key) => [key, ...runs.map(({ run }) => taskTime(run, key))]),
    ...figures.map((name) => [name, ...runs.map(({ results }) => figure(results, name))]),
  ];
  const heads = ["", ...runs.map(({ run }, i) => i === 0 ? `${run.run_id} (newest)` : run.run_id)];
  return tableOf("The latest runs of this home, newest first", heads, rows);
}

function figureNames(results: readonly NotebookResults[]): string[] {
  return results.flatMap(({ figures }) => Object.keys(figures ?? {}));
}

function figure(results: readonly NotebookResults[], name: string): string {
  const value = results.find(({ figures }) => figures && name in figures)?.figures?.[name];
  return value === undefined ? "" : formatFigure(value);
}

/** A figure for people: thousands apart, four digits after the point at most. */
export function formatFigure(value: string | number | bigint | boolean | null): string {
  if (value === null) return "";
  if (typeof value === "string" || typeof value === "boolean") return String(value);
  return value.toLocaleString("en", { maximumFractionDigits: 4 });
}

function parameter(run: JobRun, name: string): string {
  return run.parameters.find((parameter) => parameter.name === name)?.default ?? "";
}

function taskTime(run: JobRun, key: string): string {
  const task = run.tasks.find((task) => task.task_key === key);
  if (!task || task.end_time === 0) return "";
  const mark = task.state.result_state === "SUCCESS" ? "" : ` ${task.state.result_state ?? ""}`;
  return took(task.execution_duration) + mark;
}

function took(ms: number): string {
  return ms === 0 ? "" : `${(ms / 1000).toFixed(1)} s`;
}
