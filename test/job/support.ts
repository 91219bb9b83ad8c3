import { dirname, join } from "node:path";
import { runMe } from "clickstream/job";
import project from "../../deno.json" with { type: "json" };
import type { JobDefinition, JobRun, TaskDefinition } from "../../lib/job/run/mod.ts";

/** A cell for {@link notebookFile}: its source, or source and tags. */
export type CellText = string | { source: string; tags?: string[]; markdown?: boolean };

/** Writes a small notebook into a folder and returns its path. */
export async function notebookFile(
  folder: string,
  name: string,
  cells: CellText[],
): Promise<string> {
  const path = join(folder, name);
  const notebook = {
    cells: cells.map((cell, i) => {
      const { source, tags = [], markdown = false } = typeof cell === "string"
        ? { source: cell }
        : cell;
      const common = { id: `c${i + 1}`, metadata: tags.length ? { tags } : {}, source };
      return markdown
        ? { cell_type: "markdown", ...common }
        : { cell_type: "code", execution_count: null, outputs: [], ...common };
    }),
    metadata: { kernelspec: { display_name: "Deno", language: "typescript", name: "deno" } },
    nbformat: 4,
    nbformat_minor: 5,
  };
  await Deno.writeTextFile(path, JSON.stringify(notebook));
  return path;
}

/** The text of all outputs of a cell, for looking things up in. */
export function shown(cell: { outputs: unknown[] } | undefined): string {
  return JSON.stringify(cell?.outputs ?? []);
}

/** A job over notebooks in a folder: a row is a key, the keys it waits for, and its cells. */
export async function jobOf(
  folder: string,
  rows: { key: string; after?: string[]; cells: CellText[]; more?: Partial<TaskDefinition> }[],
): Promise<JobDefinition> {
  const tasks = rows.map(async (
    { key, after = [], cells, more = {} },
  ): Promise<TaskDefinition> => ({
    key,
    description: `Test ${key}`,
    notebook: await notebookFile(folder, `${key}.ipynb`, cells),
    dependsOn: after,
    timeoutSeconds: 60,
    maxRetries: 0,
    ...more,
  }));
  return { name: "test", tags: {}, timeoutSeconds: 300, tasks: await Promise.all(tasks) };
}

/** A finished RUNME: what it printed, its exit code, its job.json and the run's folder. */
export interface Ran {
  code: number;
  text: string;
  run: JobRun;
  folder: string;
}

/** Runs RUNME over a job in a home and reads what it left. */
export async function ranMe(
  home: string,
  job: JobDefinition,
  args: string[] = [],
  signal?: AbortSignal,
): Promise<Ran> {
  const texts: string[] = [];
  const write = (text: string) => void texts.push(text);
  const code = await runMe(args, { job, write, signal, settings: { CLICKSTREAM_HOME: home } });
  const text = texts.join("");
  const folder = dirname(text.trimEnd().split("\n").at(-1)!);
  return { code, text, folder, run: JSON.parse(Deno.readTextFileSync(join(folder, "job.json"))) };
}

/** Lets notebooks in this folder import the project. */
export function writeImportMap(folder: string): void {
  const imports = Object.fromEntries(
    Object.entries(project.imports).map(([name, target]) => [
      name,
      target.startsWith("./") ? new URL(`../../${target}`, import.meta.url).href : target,
    ]),
  );
  const settings = { nodeModulesDir: "none", imports };
  Deno.writeTextFileSync(join(folder, "deno.json"), JSON.stringify(settings));
}
