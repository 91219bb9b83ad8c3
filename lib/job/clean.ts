/**
 * `deno task clean`: strips outputs, counts and foreign metadata from the notebooks, gives cells
 * ids where they lack one, tags cells that show something, and formats them.
 */
import { join } from "node:path";
import { projectRoot, runCommand } from "clickstream/config";
import { cleaned } from "./check/clean_notebook.ts";
import { deno } from "./check/commands.ts";
import { notebookNames } from "./check/notebooks.ts";
import { formatNotebook, parseNotebook } from "./notebook/mod.ts";

/** How notebooks are cleaned. */
export interface CleanOptions {
  /** Only tells which notebooks would change. @default false */
  dryRun?: boolean | undefined;
}

/**
 * Cleans and formats the notebooks of a folder and returns the names of those that changed.
 *
 * Copies are formatted and compared, as `deno fmt --check` of Deno 2.8.0 turns down notebooks that
 * `deno fmt` leaves as they are.
 */
export async function cleanNotebooks(
  folder: string,
  options: CleanOptions = {},
): Promise<string[]> {
  const names = notebookNames(folder);
  if (names.length === 0) return [];
  const drafts = await Deno.makeTempDir({ prefix: "clickstream-clean-" });
  try {
    for (const name of names) {
      const notebook = parseNotebook(await Deno.readTextFile(join(folder, name)), name);
      await Deno.writeTextFile(join(drafts, name), formatNotebook(cleaned(notebook)));
    }
    await deno(["fmt", "--quiet", "--config", join(projectRoot, "deno.json"), drafts], folder);
    const changed: string[] = [];
    for (const name of names) {
      const draft = await Deno.readTextFile(join(drafts, name));
      const after = formatNotebook(parseNotebook(draft, name));
      if (after === await Deno.readTextFile(join(folder, name))) continue;
      changed.push(name);
      if (!options.dryRun) await Deno.writeTextFile(join(folder, name), after);
    }
    return changed;
  } finally {
    await Deno.remove(drafts, { recursive: true });
  }
}

async function clean(): Promise<void> {
  const changed = await cleanNotebooks(join(projectRoot, "notebooks"));
  for (const name of changed) console.log(`Cleaned notebooks/${name}`);
  if (changed.length === 0) console.log("All notebooks are clean.");
}

if (import.meta.main) await runCommand(clean);
