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
  const changed: string[] = [];
  for (const name of notebookNames(folder)) {
    const path = join(folder, name);
    const before = await Deno.readTextFile(path);
    const draft = await Deno.makeTempFile({ suffix: ".ipynb" });
    try {
      await writeNotebook(draft, cleaned(parseNotebook(before, path)));
      await deno(["fmt", "--quiet", "--config", join(projectRoot, "deno.json"), draft], folder);
      const after = formatNotebook(parseNotebook(await Deno.readTextFile(draft), path));
      if (after === before) continue;
      await Deno.writeTextFile(path, after);
      changed.push(name);
    } finally {
      await Deno.remove(draft);
    }
  }
  return changed;
}

async function clean(): Promise<void> {
  const changed = await cleanNotebooks(join(projectRoot, "notebooks"));
  for (const name of changed) console.log(`Cleaned notebooks/${name}`);
  if (changed.length === 0) console.log("All notebooks are clean.");
}

if (import.meta.main) await runCommand(clean);
