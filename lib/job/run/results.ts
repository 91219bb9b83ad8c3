import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type Config, maskText } from "clickstream/config";
import { type RunFolder, runFolder } from "./folder.ts";

/** One claim of a notebook, and whether it held. */
export interface Check {
  /** The claim, in words. */
  name: string;
  ok: boolean;
  /** The numbers behind it. */
  detail: string;
}

/** What a notebook tells the report of the run. */
export interface Results {
  checks: Check[];
  /** Numbers worth keeping, by name. */
  figures?: Record<string, number | string | bigint> | undefined;
  /** Small tables worth a place of their own, as a model card or the consistency of features. */
  tables?: ResultTable[] | undefined;
  /** What a reader should know before trusting the numbers, a sentence each. */
  warnings?: string[] | undefined;
}

/** A small table for the report. */
export interface ResultTable {
  title: string;
  /** All rows with the same keys, which are the heads of the columns. */
  rows: Record<string, string | number | bigint | boolean | null>[];
}

/** The results of one notebook. */
export interface NotebookResults extends Results {
  notebook: string;
}

/**
 * Hands a notebook's checks and figures to the run that executes it. Does nothing when the notebook
 * is run by hand (CLICKSTREAM_RUN_ID is not set). Called again, it replaces what was there.
 *
 * @param notebook name of the notebook, as `1b_train_model`
 */
export async function reportResults(
  config: Pick<Config, "home">,
  notebook: string,
  results: Results,
): Promise<void> {
  const runId = process.env.CLICKSTREAM_RUN_ID;
  if (!runId) return;
  const { results: folder } = runFolder(config, runId);
  await Deno.mkdir(folder, { recursive: true });
  const file = join(folder, `${notebook}.json`);
  const text = JSON.stringify(
    { figures: {}, tables: [], warnings: [], ...results, notebook },
    (_, value) => typeof value === "bigint" ? value.toString() : value,
    2,
  );
  await Deno.writeTextFile(`${file}.part`, maskText(text) + "\n");
  await Deno.rename(`${file}.part`, file);
}

/** What the notebooks of a run reported, in the order of their names. */
export function readResults(folder: Pick<RunFolder, "results">): NotebookResults[] {
  if (!existsSync(folder.results)) return [];
  const names = [...Deno.readDirSync(folder.results)].map((entry) => entry.name)
    .filter((name) => name.endsWith(".json")).sort();
  return names.map((name) => {
    const read = JSON.parse(Deno.readTextFileSync(join(folder.results, name)));
    return {
      notebook: read.notebook ?? name.slice(0, -".json".length),
      checks: read.checks ?? [],
      figures: read.figures ?? {},
      tables: read.tables ?? [],
      warnings: read.warnings ?? [],
    };
  });
}
