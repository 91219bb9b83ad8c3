/**
 * `deno task clean`: strips outputs, counts and foreign metadata from the notebooks, gives cells
 * ids where they lack one, tags cells that show something, and formats them.
 */
import { join } from "node:path";
import { projectRoot, runCommand } from "clickstream/config";
import { cleaned } from "./check/clean_notebook.ts";
import { deno } from "./check/commands.ts";
import { notebookNames } from "./check/notebooks.ts";
import { formatNotebook, parseNotebook, writeNotebook } from "./notebook/mod.ts";

/** Cleans the notebooks of a folder and returns the names of those that changed. */
export async function cleanNotebooks(folder: string): Promise<string[]> {
  const names = notebookNames(folder);
  const before = names.map((name) => Deno.readTextFileSync(join(folder, name)));
  if (names.length > 0) {
    await deno(["fmt", "--quiet", ...names.map((name) => join(folder, name))], folder);
  }
  const changed: string[] = [];
  for (const [i, name] of names.entries()) {
    const path = join(folder, name);
    const notebook = cleaned(parseNotebook(Deno.readTextFileSync(path), path));
    if (formatNotebook(notebook) === before[i]) continue;
    await writeNotebook(path, notebook);
    changed.push(name);
  }
  return changed;
}

async function clean(): Promise<void> {
  const changed = await cleanNotebooks(join(projectRoot, "notebooks"));
  for (const name of changed) console.log(`Cleaned notebooks/${name}`);
  if (changed.length === 0) console.log("All notebooks are clean.");
}

if (import.meta.main) await runCommand(clean);
