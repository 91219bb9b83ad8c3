import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { type Notebook, NotebookError, parseNotebook } from "../notebook/mod.ts";
import { cleanFindings } from "./clean_notebook.ts";
import { deno } from "./commands.ts";
import { extractModule, type Origin } from "./extract.ts";
import { type Finding, formatFinding } from "./finding.ts";
import { structureFindings } from "./structure.ts";

/** A notebook of the project, read for the gate. */
interface ReadNotebook {
  file: string;
  notebook: Notebook;
}

/** Names of the notebooks in a folder, sorted. */
export function notebookNames(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return [...Deno.readDirSync(folder)].map((entry) => entry.name)
    .filter((name) => name.endsWith(".ipynb")).sort();
}

/** What is wrong with the notebooks themselves: not readable (N1), not clean (C), not well made (S). */
export function notebookFindings(root: string): Finding[] {
  const folder = join(root, "notebooks");
  return notebookNames(folder).flatMap((name): Finding[] => {
    try {
      const { file, notebook } = read(folder, name);
      return [...cleanFindings(notebook, file), ...structureFindings(notebook, file)];
    } catch (error) {
      if (!(error instanceof NotebookError)) throw error;
      return [{ file: `notebooks/${name}`, rule: "N1", message: error.message }];
    }
  });
}

/** Types and lint of the notebooks' cells; messages name notebook, cell and line. */
export async function checkCells(root: string): Promise<{ ok: boolean; output: string }> {
  const folder = join(root, "notebooks");
  const names = notebookNames(folder).filter((name) => isReadable(folder, name));
  if (names.length === 0) return { ok: true, output: "" };
  const modules = await Deno.makeTempDir({ prefix: "clickstream-check-" });
  try {
    const origins = new Map<string, (Origin | undefined)[]>();
    for (const name of names) {
      const module = extractModule(read(folder, name).notebook);
      origins.set(name, module.origins);
      await Deno.writeTextFile(join(modules, `${basename(name, ".ipynb")}.ts`), module.text);
    }
    const config = ["--config", join(root, "deno.json")];
    const files = names.map((name) => join(modules, `${basename(name, ".ipynb")}.ts`));
    const types = await deno(["check", "--quiet", ...config, ...files], root);
    const lint = await deno(["lint", "--quiet", ...config, ...files], root);
    const output = [types, lint].filter(({ ok }) => !ok).map(({ output }) => output).join("\n\n");
    return { ok: types.ok && lint.ok, output: mapBack(output, modules, origins) };
  } finally {
    await Deno.remove(modules, { recursive: true });
  }
}

/** Puts notebook, cell and line in the place of a line of an extracted module. */
export function mapBack(
  output: string,
  modules: string,
  origins: ReadonlyMap<string, readonly (Origin | undefined)[]>,
): string {
  const escaped = modules.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const place = new RegExp(`(?:file://)?${escaped}/([\\w.-]+)\\.ts(?::(\\d+):(\\d+))?`, "g");
  return output.replaceAll(place, (_, name: string, line?: string, column?: string) => {
    const file = `notebooks/${name}.ipynb`;
    if (line === undefined) return file;
    const origin = origins.get(`${name}.ipynb`)?.[Number(line) - 1];
    return origin ? `${file}, cell ${origin.cell}, line ${origin.line}:${column}` : file;
  });
}

/** Findings, a line each. */
export function formatFindings(findings: readonly Finding[]): string {
  return findings.map(formatFinding).join("\n");
}

function read(folder: string, name: string): ReadNotebook {
  const text = Deno.readTextFileSync(join(folder, name));
  const file = `notebooks/${name}`;
  return { file, notebook: parseNotebook(text, file) };
}

function isReadable(folder: string, name: string): boolean {
  try {
    read(folder, name);
    return true;
  } catch {
    return false;
  }
}
